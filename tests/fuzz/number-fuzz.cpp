// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as a number: oneForm() returns a number in one form, or a reason (libFuzzer).
//
// The first line is the country, of which only digits count; the rest is the number. Aborts at the first
// broken promise and says which.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/text/number-form.h"
#include "common/text/utf.h"
#include "tests/fuzz/demand.h"

using smsd::fuzz::demand;
using smsd::text::oneForm;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto end = std::min(bytes.find('\n'), bytes.size());
  std::string country(bytes.substr(0, std::min<std::size_t>(end, 3)));
  if (!std::all_of(country.begin(), country.end(), [](char c) { return c >= '1' && c <= '9'; }))
    country.clear();
  const auto form = oneForm(bytes.substr(std::min(end + 1, bytes.size())), country);
  demand(form.number.empty() != form.problem.empty(), "a number or a problem");
  if (form.number.empty()) {
    demand(smsd::text::printable(form.problem) == form.problem, "a printable problem");
    demand(form.problem.size() < 200, "a short problem");
    return 0;
  }
  const std::string_view digits = std::string_view(form.number).substr(form.number.front() == '+' ? 1 : 0);
  demand(!digits.empty() && digits.size() <= smsd::text::mostDigits, "1 to 15 digits");
  demand(form.number.size() <= smsd::text::longestNumber, "as many characters as the queue holds");
  demand(std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; }), "digits");
  demand(oneForm(form.number, country).number == form.number, "one form of one form is the same");
  return 0;
}
