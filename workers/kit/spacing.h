// SPDX-License-Identifier: GPL-3.0-or-later
// The least time from the begin of one SMS to that of the next. Pure: the caller passes the time and sets the
// timer.
//
// Owns when the next SMS may begin, and whether a timer runs for that time. A spacing below 10 ms is kept on
// average over 10 ms only, so that late timers do not lower the rate. Called by the server.
#pragma once

#include <kj/debug.h>
#include <kj/time.h>

#include <chrono>

namespace smsd::kit {

class Spacing {
 public:
  /// `spacing` 0: no limit.
  Spacing(std::chrono::nanoseconds spacing, kj::TimePoint now)
      : spacing_(spacing.count() * kj::NANOSECONDS),
        burst_(spacing_ < average ? average : 0 * kj::NANOSECONDS),
        next_(now) {
    KJ_REQUIRE(spacing.count() >= 0, "a spacing below zero");
  }

  /// Returns whether an SMS may begin now. If so, the caller begins one.
  bool admits(kj::TimePoint now) {
    if (spacing_ == 0 * kj::NANOSECONDS) return true;
    if (now + burst_ < next_) return false;
    next_ = kj::max(next_, now) + spacing_;
    return true;
  }
  /// After admits() returned false: returns the time for which to set a timer, or none if one runs already.
  kj::Maybe<kj::TimePoint> timer() {
    if (waiting_) return nullptr;
    waiting_ = true;
    return next_ - burst_;
  }
  void rang() {
    KJ_REQUIRE(waiting_, "a timer rang that was not set");
    waiting_ = false;
  }

 private:
  static constexpr kj::Duration average = 10 * kj::MILLISECONDS;

  kj::Duration spacing_;
  kj::Duration burst_;
  kj::TimePoint next_;    // when the spacing allows the next SMS
  bool waiting_ = false;  // a timer runs for next_
};

}  // namespace smsd::kit
