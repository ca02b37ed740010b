// SPDX-License-Identifier: GPL-3.0-or-later
// Durations of the configuration, in milliseconds, as durations of KJ, and the time between two moments of
// KJ.
#pragma once

#include <kj/time.h>

#include <chrono>
#include <cstdint>

namespace smsd {

constexpr kj::Duration duration(std::chrono::milliseconds value) {
  return static_cast<std::int64_t>(value.count()) * kj::MILLISECONDS;
}

inline std::chrono::microseconds between(kj::TimePoint from, kj::TimePoint to) {
  return std::chrono::microseconds((to - from) / kj::MICROSECONDS);
}

}  // namespace smsd
