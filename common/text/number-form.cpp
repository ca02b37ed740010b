// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/text/number-form.h"

#include "common/text/utf.h"

namespace smsd::text {
namespace {

constexpr std::size_t shortest = 6;  // digits of a number with a country
constexpr std::size_t shown = 40;    // bytes of a refused number

/// The characters that people write between the digits, also those of typography.
bool isPunctuation(char32_t c) {
  return std::u32string_view(U" -./()\t\u00a0\u2009\u202f\u2010\u2011\u2012\u2013\u2212").find(c) !=
         std::u32string_view::npos;
}

std::string refusal(std::string_view written, const char* why) {
  if (written.empty()) return "expected a telephone number, found nothing";
  return printable(written, shown) + " cannot be a telephone number: " + why;
}

}  // namespace

OneForm oneForm(std::string_view written, std::string_view country) {
  std::string digits;
  bool plus = false;
  for (const char32_t c : decode(written)) {
    if (c >= U'0' && c <= U'9')
      digits += static_cast<char>(c);
    else if (c == U'+' && digits.empty() && !plus)
      plus = true;
    else if (!isPunctuation(c))
      return {"", refusal(written, "expected digits, perhaps with + before them")};
  }
  if (!plus && digits.starts_with("00")) {
    plus = true;
    digits.erase(0, 2);
  }
  if (digits.empty()) return {"", refusal(written, "it has no digits")};
  if (!plus && !country.empty() && digits.size() >= shortest) {
    plus = true;
    if (digits.front() == '0') digits.erase(0, 1);
    digits.insert(0, country);
  }
  if (plus && digits.front() == '0') return {"", refusal(written, "no country's code begins with 0")};
  if (digits.size() > mostDigits) return {"", refusal(written, "it has more than 15 digits")};
  std::string number = (plus ? "+" : "") + digits;
  if (number.size() > longestNumber)
    return {"", refusal(written, "it has more than the 15 characters that the queue holds")};
  return {std::move(number), ""};
}

}  // namespace smsd::text
