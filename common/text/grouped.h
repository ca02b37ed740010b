// SPDX-License-Identifier: GPL-3.0-or-later
// Formats a count with commas for people: 1234567 becomes 1,234,567. Pure.
#pragma once

#include <cstdint>
#include <string>

namespace smsd::text {

inline std::string grouped(std::uint64_t count) {
  std::string digits = std::to_string(count), result;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) result += ',';
    result += digits[i];
  }
  return result;
}

}  // namespace smsd::text
