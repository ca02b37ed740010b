// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/gammu/parts.h"

#include <algorithm>

#include "common/text/gsm7.h"
#include "common/text/utf.h"

namespace smsd::gammu {
namespace {

constexpr std::size_t mostParts = 255;
constexpr std::size_t mostDigits = 20;

std::size_t units(Alphabet alphabet, char32_t c) {
  return alphabet == Alphabet::gsm7 ? *text::septets(c) : text::utf16Units(c);
}

void append(std::u16string& out, char32_t c) {
  if (c <= 0xFFFF) {
    out += static_cast<char16_t>(c);
    return;
  }
  out += static_cast<char16_t>(0xD800 + ((c - 0x10000) >> 10));
  out += static_cast<char16_t>(0xDC00 + ((c - 0x10000) & 0x3FF));
}

// FNV-1a, folded to 8 bits. Any hash that spreads the keys will do.
std::uint8_t referenceOf(std::string_view key) {
  std::uint32_t hash = 2166136261U;
  for (unsigned char c : key) hash = (hash ^ c) * 16777619U;
  return static_cast<std::uint8_t>(hash ^ (hash >> 8) ^ (hash >> 16) ^ (hash >> 24));
}

std::vector<std::u16string> cut(const std::u32string& text, Alphabet alphabet, text::PartSize size) {
  std::size_t total = 0;
  for (char32_t c : text) total += units(alphabet, c);
  const std::size_t room = total <= size.alone ? size.alone : size.chained;
  std::vector<std::u16string> pieces(1);
  std::size_t used = 0;
  for (char32_t c : text) {
    const std::size_t needed = units(alphabet, c);
    if (used + needed > room) {
      pieces.emplace_back();
      used = 0;
    }
    append(pieces.back(), c);
    used += needed;
  }
  return pieces;
}

}  // namespace

std::optional<Parts> partsOf(std::string_view utf8, std::string_view key) {
  const std::u32string text = text::decode(utf8);
  Parts result;
  result.alphabet = text::septets(text) ? Alphabet::gsm7 : Alphabet::ucs2;
  auto pieces =
      cut(text, result.alphabet, result.alphabet == Alphabet::gsm7 ? text::gsm7Part : text::ucs2Part);
  if (pieces.size() > mostParts) return std::nullopt;
  const std::uint8_t reference = referenceOf(key);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    Part part{std::move(pieces[i]), {}};
    if (pieces.size() > 1)
      part.header = {
          5, 0, 3, reference, static_cast<std::uint8_t>(pieces.size()), static_cast<std::uint8_t>(i + 1)};
    result.parts.push_back(std::move(part));
  }
  return result;
}

std::optional<std::string> dialled(std::string_view recipient) {
  std::string number;
  for (char c : recipient)
    if (std::string_view(" .-()").find(c) == std::string_view::npos) number += c;
  std::string_view digits = number;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  if (digits.empty() || digits.size() > mostDigits) return std::nullopt;
  if (!std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  return number;
}

}  // namespace smsd::gammu
