// SPDX-License-Identifier: GPL-3.0-or-later
// Bounds of the numbers that go to a database and come from it.
//
// Called by all backends. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

#include "supervisor/queue/queue.h"

namespace smsd::queue {

/// Returns `rows` as the LIMIT of a statement. One more than it still fits.
inline std::int64_t rowLimit(std::uint64_t rows) {
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max() - 1;
  return static_cast<std::int64_t>(std::min(rows, most));
}

/// Returns an elapsed time. A stepped clock can make it negative: then it counts as 0.
inline Duration elapsed(std::int64_t milliseconds) {
  return Duration(std::max<std::int64_t>(0, milliseconds));
}

inline std::optional<Duration> elapsed(const std::optional<std::int64_t>& milliseconds) {
  if (!milliseconds) return std::nullopt;
  return elapsed(*milliseconds);
}

/// For a column that can hold larger numbers.
inline int nearestInt(std::int64_t stored) {
  return static_cast<int>(
      std::clamp<std::int64_t>(stored, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()));
}

}  // namespace smsd::queue
