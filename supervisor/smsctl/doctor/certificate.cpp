// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/doctor/certificate.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

namespace smsd::smsctl::doctor {
namespace {

constexpr std::string_view begins = "-----BEGIN CERTIFICATE-----", ends = "-----END CERTIFICATE-----";
constexpr int sequence = 0x30, integer = 0x02, version = 0xa0, utcTime = 0x17, generalizedTime = 0x18;

std::string fromBase64(std::string_view text) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const auto digit = digits.find(c);
    if (digit == std::string_view::npos) continue;  // line ends, padding
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>(bits >> held & 0xff);
  }
  return bytes;
}

/// A place in DER. Every step is bounded by what is left.
class Der {
 public:
  explicit Der(std::string_view bytes) : left_(bytes) {}
  int tag() const { return left_.empty() ? -1 : static_cast<unsigned char>(left_[0]); }
  /// Takes the next element if it has this tag, and returns its content.
  std::optional<std::string_view> take(int wanted) {
    if (tag() != wanted || left_.size() < 2) return std::nullopt;
    std::size_t at = 2, size = static_cast<unsigned char>(left_[1]);
    if (size >= 0x80) {
      const std::size_t more = size & 0x7f;
      if (more == 0 || more > 4 || left_.size() < at + more) return std::nullopt;
      size = 0;
      for (std::size_t i = 0; i < more; ++i) size = size << 8 | static_cast<unsigned char>(left_[at + i]);
      at += more;
    }
    if (left_.size() - at < size) return std::nullopt;
    const auto content = left_.substr(at, size);
    left_.remove_prefix(at + size);
    return content;
  }

 private:
  std::string_view left_;
};

std::optional<int> number(std::string_view digits) {
  int value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

/// YYMMDDhhmmssZ, or with four digits of the year.
std::optional<std::chrono::sys_seconds> timeOf(std::string_view text, std::size_t yearDigits) {
  using namespace std::chrono;
  if (text.size() != yearDigits + 11 || text.back() != 'Z') return std::nullopt;
  auto year = number(text.substr(0, yearDigits));
  std::array<int, 5> part{};
  for (std::size_t i = 0; i < part.size(); ++i) {
    const auto value = number(text.substr(yearDigits + 2 * i, 2));
    if (!value) return std::nullopt;
    part[i] = *value;
  }
  if (!year) return std::nullopt;
  if (yearDigits == 2) *year += *year < 50 ? 2000 : 1900;  // RFC 5280, 4.1.2.5.1
  const year_month_day day{std::chrono::year(*year), month(static_cast<unsigned>(part[0])),
                           std::chrono::day(static_cast<unsigned>(part[1]))};
  if (!day.ok()) return std::nullopt;
  return sys_days(day) + hours(part[2]) + minutes(part[3]) + seconds(part[4]);
}

std::optional<std::chrono::sys_seconds> expiryInDer(std::string_view bytes) {
  const auto whole = Der(bytes).take(sequence);
  const auto signedPart = whole ? Der(*whole).take(sequence) : std::nullopt;
  if (!signedPart) return std::nullopt;
  Der der(*signedPart);
  der.take(version);                                                                          // optional
  if (!der.take(integer) || !der.take(sequence) || !der.take(sequence)) return std::nullopt;  // to the issuer
  const auto validity = der.take(sequence);
  if (!validity) return std::nullopt;
  Der times(*validity);
  if (!times.take(utcTime) && !times.take(generalizedTime)) return std::nullopt;
  if (times.tag() == utcTime) {
    const auto text = times.take(utcTime);
    return text ? timeOf(*text, 2) : std::nullopt;
  }
  const auto text = times.take(generalizedTime);
  return text ? timeOf(*text, 4) : std::nullopt;
}

}  // namespace

std::vector<std::chrono::sys_seconds> expiriesIn(std::string_view pem) {
  std::vector<std::chrono::sys_seconds> found;
  for (std::size_t at = 0; (at = pem.find(begins, at)) != std::string_view::npos;) {
    at += begins.size();
    const auto end = pem.find(ends, at);
    if (end == std::string_view::npos) break;
    if (const auto expiry = expiryInDer(fromBase64(pem.substr(at, end - at)))) found.push_back(*expiry);
    at = end;
  }
  return found;
}

std::optional<std::chrono::sys_seconds> expiryOf(std::string_view pem, CertificateUse use) {
  const auto all = expiriesIn(pem);
  if (all.empty()) return std::nullopt;
  return use == CertificateUse::own ? all.front() : *std::ranges::max_element(all);
}

}  // namespace smsd::smsctl::doctor
