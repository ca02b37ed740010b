// Delays that grow. The one place where a delay is computed. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>

namespace smsd {

struct Backoff {
  std::chrono::milliseconds first;
  double factor;
  std::chrono::milliseconds most;

  /// After the n-th failure in a row, n from 1: first x factor^(n-1), at most `most`.
  std::chrono::milliseconds after(int failures) const {
    double wanted = static_cast<double>(first.count()) * std::pow(factor, std::max(0, failures - 1));
    if (!(wanted < static_cast<double>(most.count()))) return most;  // also where pow overflowed
    return std::chrono::milliseconds(static_cast<std::int64_t>(wanted));
  }
};

}  // namespace smsd
