// SPDX-License-Identifier: GPL-3.0-or-later
// How often something happened lately: a count for each of the last so many slices of time. Pure: the caller
// passes the time.
//
// Called by Figures, for each settlement. Adding costs one comparison as long as the slice is the same.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace smsd::road {

class Recent {
 public:
  using Time = std::chrono::nanoseconds;

  /// Remembers `slices` slices of time of the length `width`.
  Recent(Time width, std::size_t slices) : width_(width), counts_(slices) {}

  void add(Time now, std::uint64_t count) {
    if (now >= end_) moveTo(now / width_);
    at(newest_) += count;
  }
  /// Returns how many there were in the last `span`, and in the part of a slice before it.
  std::uint64_t within(Time now, Time span) const {
    const std::int64_t last = now / width_, first = last - span / width_;
    const std::int64_t oldest = newest_ - std::ssize(counts_) + 1;
    std::uint64_t sum = 0;
    for (std::int64_t slice = std::max({first, oldest, std::int64_t(0)}); slice <= newest_; ++slice)
      sum += counts_[static_cast<std::size_t>(slice) % counts_.size()];
    return sum;
  }

 private:
  std::uint64_t& at(std::int64_t slice) { return counts_[static_cast<std::size_t>(slice) % counts_.size()]; }
  void moveTo(std::int64_t slice) {
    if (slice <= newest_) return;
    const std::int64_t first = std::max(newest_ + 1, slice - std::ssize(counts_) + 1);
    for (newest_ = first; newest_ < slice; ++newest_) at(newest_) = 0;
    at(newest_) = 0;
    end_ = (newest_ + 1) * width_;
  }

  Time width_;
  std::vector<std::uint64_t> counts_;
  std::int64_t newest_ = 0;  // the number of the slice that counts now
  Time end_ = width_;        // of that slice
};

}  // namespace smsd::road
