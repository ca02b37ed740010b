// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/shapes/foreign-text.h"

#include "clients/shapes/alert-text.h"
#include "common/text/utf.h"

namespace smsd::shapes {
namespace {

/// The bytes that follow the first byte of a character in UTF-8; 0 if `first` begins none.
std::size_t following(unsigned char first) {
  if (first >= 0xC2 && first <= 0xDF) return 1;
  if (first >= 0xE0 && first <= 0xEF) return 2;
  return first >= 0xF0 && first <= 0xF4 ? 3 : 0;
}

/// Whether `bytes`, which are no UTF-8, begin a character and end before it does. The other characters of
/// `text` have to be UTF-8, or the last byte may be a letter of ISO 8859-1.
bool isCut(std::string_view bytes, bool restIsUtf8) {
  return restIsUtf8 && bytes.size() <= following(static_cast<unsigned char>(bytes.front()));
}

}  // namespace

std::string foreignText(std::string_view bytes) {
  std::string all;
  bool utf8 = true;
  for (std::string_view rest = bytes; !rest.empty();) {
    const std::string_view before = rest;
    const char32_t c = text::takeCodePoint(rest);
    const std::string_view taken = before.substr(0, before.size() - rest.size());
    if (c == 0 || (c == U'\r' && rest.starts_with('\n'))) continue;
    if (c != text::replacement || taken == "\xEF\xBF\xBD") {
      text::append(all, c == U'\r' ? U'\n' : c);
      continue;
    }
    if (rest.empty() && isCut(taken, utf8)) break;
    utf8 = false;
    for (const char byte : taken) {
      const auto letter = static_cast<unsigned char>(byte);
      text::append(all, letter < 0xA0 ? U'?' : letter);
    }
  }
  while (!all.empty() && (all.back() == '\n' || all.back() == ' ' || all.back() == '\t')) all.pop_back();
  return boundedText(all);
}

}  // namespace smsd::shapes
