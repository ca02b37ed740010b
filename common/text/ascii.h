// SPDX-License-Identifier: GPL-3.0-or-later
// ASCII letters and blanks, in every locale the same. Bytes of UTF-8 above 0x7F are left as they are.
#pragma once

#include <string>
#include <string_view>

namespace smsd::text {

/// The blanks of JSON (RFC 8259, section 2) and of XML (XML 1.0, production 3).
constexpr std::string_view blanks = " \t\r\n";

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

inline std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = lower(c);
  return result;
}

}  // namespace smsd::text
