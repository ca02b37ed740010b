// SPDX-License-Identifier: GPL-3.0-or-later
// Writes a word so that a POSIX shell reads it unchanged. For commands that an operator copies. Pure.
#pragma once

#include <string>
#include <string_view>

namespace smsd::text {

inline std::string shellWord(std::string_view word) {
  constexpr std::string_view harmless =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+./:,@%=";
  if (!word.empty() && word.find_first_not_of(harmless) == std::string_view::npos) return std::string(word);
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace smsd::text
