// SPDX-License-Identifier: GPL-3.0-or-later
// How many durations were at most as long as each of some bounds, and their sum. Pure.
//
// Used for the figures that monitoring reads. Adding a duration costs a search among a few bounds.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

namespace smsd::road {

class Distribution {
 public:
  using Time = std::chrono::microseconds;

  /// `bounds` are ascending, and outlive this object.
  explicit Distribution(std::span<const Time> bounds) : bounds_(bounds), counts_(bounds.size() + 1) {}

  void add(Time value) {
    value = std::max(value, Time(0));
    ++counts_[static_cast<std::size_t>(std::lower_bound(bounds_.begin(), bounds_.end(), value) -
                                       bounds_.begin())];
    sum_ += value;
  }
  std::span<const Time> bounds() const { return bounds_; }
  /// One more than bounds: the last is of durations above all bounds.
  const std::vector<std::uint64_t>& counts() const { return counts_; }
  Time sum() const { return sum_; }

 private:
  std::span<const Time> bounds_;
  std::vector<std::uint64_t> counts_;
  Time sum_{0};
};

}  // namespace smsd::road
