// SPDX-License-Identifier: GPL-3.0-or-later
// Computes growing delays. No other file computes a delay. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace smsd::delivery {

struct Backoff {
  std::chrono::milliseconds first;
  double factor;
  std::chrono::milliseconds most;

  /// Returns the delay after `failures` (from 1) in a row: first x factor^(failures-1), at most `most`.
  std::chrono::milliseconds after(int failures) const {
    const auto bound = static_cast<double>(most.count());
    auto wanted = static_cast<double>(first.count());
    // Ends early, because a factor above 1 soon reaches the bound, and any other one is used as 1.
    for (int n = 1; n < failures && wanted < bound && factor > 1; ++n) wanted *= factor;
    if (!(wanted < bound)) return most;
    return std::chrono::milliseconds(static_cast<std::int64_t>(wanted));
  }
};

}  // namespace smsd::delivery
