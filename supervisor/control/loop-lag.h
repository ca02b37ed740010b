// SPDX-License-Identifier: GPL-3.0-or-later
// How late the event loop runs a timer, for monitoring.
//
// Owns a timer of one second, which runs only while somebody reads the figures: a daemon that is not
// monitored does not wake up for it.
#pragma once

#include <kj/timer.h>

#include "common/kj/alarm.h"
#include "common/kj/duration.h"
#include "supervisor/road/call-meter.h"

namespace smsd::control {

class LoopLag {
 public:
  explicit LoopLag(kj::Timer& timer) : timer_(timer), probe_(timer, [this]() { look(); }) {}

  /// The figures were read.
  void wanted() {
    until_ = timer_.now() + keepsOn;
    if (!probe_.isSet()) begin();
  }
  const road::Distribution& lag() const { return lag_; }

 private:
  static constexpr auto every = 1 * kj::SECONDS;
  static constexpr auto keepsOn = 5 * kj::MINUTES;  // longer than the pause between two scrapes

  // The time of the loop stands still while it works, so the clock itself is read.
  kj::TimePoint clock() const { return kj::systemPreciseMonotonicClock().now(); }
  void begin() {
    due_ = clock() + every;
    probe_.at(timer_.now() + every);
  }
  void look() {
    lag_.add(between(due_, clock()));
    if (timer_.now() < until_) begin();
  }

  kj::Timer& timer_;
  kj::TimePoint until_ = kj::origin<kj::TimePoint>();
  kj::TimePoint due_ = kj::origin<kj::TimePoint>();
  road::Distribution lag_{road::CallMeter::bounds};
  Alarm probe_;
};

}  // namespace smsd::control
