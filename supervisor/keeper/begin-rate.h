// SPDX-License-Identifier: GPL-3.0-or-later
// How many SMS a worker begins, and how many it may therefore hold ahead of that. Pure: time comes in as an
// argument.
//
// Owns the counts of the last two seconds. Called by InFlight. A worker at work gets its window and backlog
// after a few hand-overs, because each SMS that it begins allows for two more. A worker that takes SMS and
// begins none, or few, never holds more than a few, so that they do not wait for its end.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace smsd::keeper {

class BeginRate {
 public:
  using Time = std::chrono::milliseconds;  // since any fixed moment

  /// How many SMS a worker may hold unbegun before it has begun any.
  static constexpr std::size_t atFirst = 32;

  void begun(Time now) {
    turn(now);
    ++present_;
    last_ = now;
  }
  /// When the worker began an SMS last.
  Time last() const { return last_; }
  /// Returns how many SMS the worker may hold unbegun: twice as many as it has begun in the present and the
  /// former second, and `atFirst` at least.
  std::size_t allowed(Time now) const {
    BeginRate then = *this;
    then.turn(now);
    return std::max(atFirst, 2 * (then.former_ + then.present_));
  }

 private:
  static constexpr Time period = std::chrono::seconds(1);

  void turn(Time now) {
    if (now - since_ < period) return;
    former_ = now - since_ < 2 * period ? present_ : 0;
    present_ = 0;
    since_ = now;
  }

  Time since_{0};  // of the present second
  Time last_{0};
  std::size_t former_ = 0;
  std::size_t present_ = 0;
};

}  // namespace smsd::keeper
