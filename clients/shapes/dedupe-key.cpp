// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/shapes/dedupe-key.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "clients/shapes/submission.h"

namespace smsd::shapes {
namespace {

__extension__ using Wide = unsigned __int128;

class Hash {
 public:
  void add(std::string_view bytes) {
    for (const char c : bytes) add(static_cast<unsigned char>(c));
  }
  void add(std::uint64_t number) {
    for (int byte = 0; byte < 8; ++byte) add(static_cast<unsigned char>(number >> (8 * byte)));
  }
  std::string hex() const {
    return fmt::format("{:016x}{:016x}", static_cast<std::uint64_t>(value_ >> 64),
                       static_cast<std::uint64_t>(value_));
  }

 private:
  void add(unsigned char byte) {
    value_ ^= byte;
    value_ *= (Wide(1) << 88) + 0x13B;
  }

  Wide value_ = (Wide(0x6C62272E07BB0142) << 64) + 0x62B821756295C58D;
};

}  // namespace

std::string keyOf(std::string_view prefix, std::initializer_list<std::string_view> parts) {
  Hash hash;
  for (const std::string_view part : parts) {
    hash.add(std::uint64_t(part.size()));
    hash.add(part);
  }
  return std::string(prefix) + hash.hex();
}

std::string keyOfToken(std::string_view token, const std::string& key) {
  return key.empty() ? std::string() : fmt::format("{}:{}", token, key);
}

std::string ownKey(const std::string& key) {
  const bool plain = std::all_of(key.begin(), key.end(), [](char c) { return c > 0x20 && c < 0x7F; });
  return plain && key.size() <= maxOwnKey ? key : keyOf("own-", {key});
}

}  // namespace smsd::shapes
