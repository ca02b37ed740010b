// SPDX-License-Identifier: GPL-3.0-or-later
// One form of a phone number. Pure.
//
// People and programs write +47 99 88 77 66, 004799887766 and 4799887766. numberForm() is for comparing only:
// the digits without the international prefix. oneForm() is what smsd writes into the queue where it takes a
// number: from intake.sock, smsctl and groups.yaml.
#pragma once

#include <cstddef>
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

/// The most digits of a number (ITU-T E.164), and the most characters that the queue has room for.
inline constexpr std::size_t mostDigits = 15, longestNumber = 15;

struct OneForm {
  std::string number;   // digits, with a + before an international number; empty: there is none
  std::string problem;  // why; empty: there is a number
};

/// Brings a number to one form: without blanks and punctuation, with + for a leading 00, and with `country`
/// (digits, may be empty) for a national number. A number of less than six digits is a short one, which has
/// no country.
OneForm oneForm(std::string_view written, std::string_view country);

}  // namespace smsd::text
