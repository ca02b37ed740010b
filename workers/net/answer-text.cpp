// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/net/answer-text.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "common/text/ascii.h"
#include "common/text/utf.h"

namespace smsd::net {
namespace {

constexpr std::string_view utf8Mark = "\xEF\xBB\xBF", lowFirst = "\xFF\xFE", highFirst = "\xFE\xFF";
constexpr std::size_t longestDeclaration = 200;  // bytes of an XML declaration that are searched

// The bytes from 0x80 of WHATWG Encoding, "index windows-1252". The five bytes without a letter stay control
// characters.
constexpr char16_t windows1252[32] = {0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021,
                                      0x2C6,  0x2030, 0x160,  0x2039, 0x152,  0x8D,   0x17D,  0x8F,
                                      0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                      0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};

// The bytes in which ISO-8859-15 differs from ISO-8859-1.
constexpr std::pair<unsigned char, char16_t> latin9[] = {{0xA4, 0x20AC}, {0xA6, 0x160}, {0xA8, 0x161},
                                                         {0xB4, 0x17D},  {0xB8, 0x17E}, {0xBC, 0x152},
                                                         {0xBD, 0x153},  {0xBE, 0x178}};

constexpr std::pair<std::string_view, Charset> names[] = {
    {"utf8", Charset::utf8},
    {"unicode11utf8", Charset::utf8},
    {"usascii", Charset::windows1252},
    {"ascii", Charset::windows1252},
    {"ansix341968", Charset::windows1252},
    {"iso88591", Charset::windows1252},
    {"latin1", Charset::windows1252},
    {"l1", Charset::windows1252},
    {"windows1252", Charset::windows1252},
    {"cp1252", Charset::windows1252},
    {"xcp1252", Charset::windows1252},
    {"iso885915", Charset::latin9},
    {"latin9", Charset::latin9},
    {"l9", Charset::latin9},
    {"utf16", Charset::utf16},
    {"ucs2", Charset::utf16},
    {"iso10646ucs2", Charset::utf16},
    {"unicode", Charset::utf16},
    {"utf16le", Charset::utf16le},
    {"utf16be", Charset::utf16be},
};

bool sameName(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return text::lower(x) == text::lower(y); });
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(text::blanks), text.size()));
  text.remove_suffix(text.size() - (text.find_last_not_of(text::blanks) + 1));
  return text;
}

std::string fromBytes(std::string_view bytes, Charset charset) {
  std::string text;
  text.reserve(bytes.size() + bytes.size() / 4);
  for (unsigned char byte : bytes) {
    char32_t point = byte;
    if (charset == Charset::windows1252 && byte >= 0x80 && byte < 0xA0) point = windows1252[byte - 0x80];
    if (charset == Charset::latin9)
      for (auto& [other, its] : latin9)
        if (byte == other) point = its;
    text::append(text, point);
  }
  return text;
}

enum class Order { little, big };

std::string fromUtf16(std::string_view bytes, Order order) {
  std::string text;
  auto unitAt = [&](std::size_t i) -> char32_t {
    auto first = static_cast<unsigned char>(bytes[i]), second = static_cast<unsigned char>(bytes[i + 1]);
    return order == Order::little ? char32_t(second) << 8 | first : char32_t(first) << 8 | second;
  };
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    char32_t point = unitAt(i);
    if (point >= 0xD800 && point < 0xDC00 && i + 3 < bytes.size())
      if (char32_t low = unitAt(i + 2); low >= 0xDC00 && low < 0xE000) {
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
        i += 2;
      }
    text::append(text, point);  // appends U+FFFD for half a pair
  }
  if (bytes.size() % 2 != 0) text::append(text, text::replacement);
  return text;
}

/// Counts the zero bytes at even (`parity` 0) or odd (1) places.
std::size_t zerosAt(std::string_view bytes, std::size_t parity) {
  std::size_t zeros = 0;
  for (std::size_t i = parity; i < bytes.size(); i += 2) zeros += bytes[i] == '\0' ? 1 : 0;
  return zeros;
}

/// Returns the byte order if `bytes` look like UTF-16. An answer is mostly ASCII, so half of its UTF-16 bytes
/// are zero, and their places show the order.
std::optional<Order> orderOf(std::string_view bytes) {
  std::size_t even = zerosAt(bytes, 0), odd = zerosAt(bytes, 1);
  if (std::max(even, odd) * 4 < bytes.size() || even == odd) return std::nullopt;
  return odd > even ? Order::little : Order::big;
}

/// Returns `bytes` as UTF-8, or nothing when they cannot be in this charset.
std::optional<std::string> decoded(std::string_view bytes, Charset charset) {
  switch (charset) {
    case Charset::utf8:
      if (!text::isValid(bytes) || orderOf(bytes)) return std::nullopt;
      return std::string(bytes);
    case Charset::windows1252:
    case Charset::latin9:
      // Every byte is valid here, but text holds no zero bytes: such bytes are UTF-16.
      if (orderOf(bytes)) return std::nullopt;
      return fromBytes(bytes, charset);
    case Charset::utf16:
    case Charset::utf16le:
    case Charset::utf16be:
      break;
  }
  std::size_t even = zerosAt(bytes, 0), odd = zerosAt(bytes, 1);
  if (even + odd == 0) return std::nullopt;  // UTF-16 would have zero bytes for any ASCII, such as a brace
  Order order = odd > even ? Order::little : Order::big;
  if (charset == Charset::utf16le) order = Order::little;
  if (charset == Charset::utf16be) order = Order::big;
  return fromUtf16(bytes, order);
}

/// Whether `bytes` are damaged UTF-8 (for example, a character was cut) and not another charset: at least
/// half of the characters outside ASCII are valid.
bool isDamagedUtf8(std::string_view bytes) {
  std::size_t whole = 0, broken = 0;
  while (!bytes.empty()) {
    char32_t point = text::takeCodePoint(bytes);
    if (point >= 0x80) ++(point == text::replacement ? broken : whole);
  }
  return whole > 0 && whole >= broken;
}

/// Decodes by the byte order mark. Returns nothing when there is no mark or the rest contradicts it.
std::optional<std::string> byMark(std::string_view bytes) {
  if (bytes.starts_with(utf8Mark)) return decoded(bytes.substr(utf8Mark.size()), Charset::utf8);
  if (bytes.starts_with(lowFirst)) return fromUtf16(bytes.substr(lowFirst.size()), Order::little);
  if (bytes.starts_with(highFirst)) return fromUtf16(bytes.substr(highFirst.size()), Order::big);
  return std::nullopt;
}

/// Returns the charset of an XML declaration (XML 1.0, 4.3.3) that is readable as ASCII.
std::optional<Charset> declaredInXml(std::string_view bytes) {
  bytes.remove_prefix(std::min(bytes.find_first_not_of(text::blanks), bytes.size()));
  if (!bytes.starts_with("<?xml")) return std::nullopt;
  std::string_view declaration = bytes.substr(0, std::min(bytes.find("?>"), longestDeclaration));
  std::size_t at = declaration.find("encoding");
  if (at == std::string_view::npos) return std::nullopt;
  declaration.remove_prefix(at);
  std::size_t begin = declaration.find_first_of("\"'");
  if (begin == std::string_view::npos) return std::nullopt;
  std::size_t end = declaration.find(declaration[begin], begin + 1);
  if (end == std::string_view::npos) return std::nullopt;
  return charsetNamed(declaration.substr(begin + 1, end - begin - 1));
}

}  // namespace

std::optional<Charset> charsetNamed(std::string_view name) {
  std::string plain;  // so that utf-8, UTF8 and utf_8 are the same
  for (char c : name.substr(0, 40))
    if (text::lower(c) >= 'a' && text::lower(c) <= 'z')
      plain += text::lower(c);
    else if (c >= '0' && c <= '9')
      plain += c;
  for (auto& [known, charset] : names)
    if (plain == known) return charset;
  return std::nullopt;
}

std::optional<std::string> parameterOf(std::string_view contentType, std::string_view name) {
  std::size_t at = contentType.find(';');
  while (at < contentType.size()) {
    std::string_view rest = contentType.substr(at + 1);
    std::size_t equals = rest.find_first_of("=;");
    if (equals == std::string_view::npos) return std::nullopt;
    std::string_view found = trimmed(rest.substr(0, equals));
    std::size_t end = equals;
    std::string value;
    if (rest[equals] == '=') {
      std::size_t start = std::min(rest.find_first_not_of(text::blanks, equals + 1), rest.size());
      if (start < rest.size() && rest[start] == '"') {
        for (end = start + 1; end < rest.size() && rest[end] != '"'; ++end) {
          if (rest[end] == '\\' && end + 1 < rest.size()) ++end;
          value += rest[end];
        }
        end = std::min(rest.find(';', std::min(end, rest.size())), rest.size());
      } else {
        end = std::min(rest.find(';', start), rest.size());
        value = trimmed(rest.substr(start, end - start));
      }
    }
    if (sameName(found, name)) return value;
    at += 1 + end;
  }
  return std::nullopt;
}

std::string textOf(std::string_view bytes, std::string_view contentType) {
  if (auto text = byMark(bytes)) return *std::move(text);
  std::optional<Charset> declared;
  if (auto name = parameterOf(contentType, "charset")) declared = charsetNamed(*name);
  for (auto charset : {declared, declaredInXml(bytes)})
    if (charset)
      if (auto text = decoded(bytes, *charset)) return *std::move(text);
  if (auto order = orderOf(bytes)) return fromUtf16(bytes, *order);
  if (auto text = decoded(bytes, Charset::utf8)) return *std::move(text);
  if (isDamagedUtf8(bytes)) return text::repair(bytes);
  return fromBytes(bytes, Charset::windows1252);
}

}  // namespace smsd::net
