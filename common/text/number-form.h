// SPDX-License-Identifier: GPL-3.0-or-later
// One form of a phone number, by which two spellings of one number are compared. Pure.
//
// People and programs write +47 99 88 77 66, 004799887766 and 4799887766. The form is the digits without the
// international prefix. It is for comparing only: a gateway gets a number as it was written.
#pragma once

#include <string>
#include <string_view>

namespace smsd::text {

/// Returns the digits of `number` without a leading + or 00; empty if it is not written like a phone number.
inline std::string numberForm(std::string_view number) {
  std::string digits;
  bool plus = false;
  for (const char c : number) {
    if (c >= '0' && c <= '9')
      digits += c;
    else if (c == '+' && digits.empty() && !plus)
      plus = true;
    else if (std::string_view(" -./()").find(c) == std::string_view::npos)
      return {};
  }
  if (!plus && digits.starts_with("00")) digits.erase(0, 2);
  return digits;
}

}  // namespace smsd::text
