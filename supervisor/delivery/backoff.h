// SPDX-License-Identifier: GPL-3.0-or-later
// Computes growing delays. No other file computes a delay. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>

namespace smsd::delivery {

struct Backoff {
  std::chrono::milliseconds first;
  double factor;
  std::chrono::milliseconds most;

  /// Returns the delay after `failures` (from 1) in a row: first x factor^(failures-1), at most `most`.
  std::chrono::milliseconds after(int failures) const {
    double wanted = static_cast<double>(first.count()) * std::pow(factor, std::max(0, failures - 1));
    if (!(wanted < static_cast<double>(most.count()))) return most;  // also if pow overflowed
    return std::chrono::milliseconds(static_cast<std::int64_t>(wanted));
  }
};

}  // namespace smsd::delivery
