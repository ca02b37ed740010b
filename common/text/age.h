// SPDX-License-Identifier: GPL-3.0-or-later
// Writes an age in seconds for people: 45s, 1m 30s, 10m, 3h 12m, 2d 4h. Pure.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace smsd::text {

inline std::string age(std::uint64_t seconds) {
  constexpr std::uint64_t minute = 60, hour = 60 * minute, day = 24 * hour;
  const auto both = [](std::uint64_t whole, char unit, std::uint64_t rest, char part) {
    return rest == 0 ? fmt::format("{}{}", whole, unit) : fmt::format("{}{} {}{}", whole, unit, rest, part);
  };
  if (seconds < minute) return fmt::format("{}s", seconds);
  if (seconds < 2 * hour) return both(seconds / minute, 'm', seconds % minute, 's');
  if (seconds < 2 * day) return both(seconds / hour, 'h', seconds % hour / minute, 'm');
  return both(seconds / day, 'd', seconds % day / hour, 'h');
}

}  // namespace smsd::text
