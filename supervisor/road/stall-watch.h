// SPDX-License-Identifier: GPL-3.0-or-later
// Watches whether the road moves while it owes work, acts once if it does not, and then gives up.
//
// Owns the deadline (progress.h has the rule) and the alarm. Called by the road, which reports each movement
// and looks here whenever something may have changed. Does not know what could be stuck: the road passes a
// function that returns whether work is owed, and one that acts.
#pragma once

#include <kj/function.h>
#include <kj/timer.h>

#include "common/kj/alarm.h"
#include "supervisor/config/config.h"
#include "supervisor/events/events.h"
#include "supervisor/road/progress.h"

namespace smsd::road {

class StallWatch {
 public:
  StallWatch(kj::Timer& timer, const events::EventLog& log, const config::Config& config,
             kj::Function<Progress::Owed()> owed, kj::Function<void()> act);

  /// Applies a reload. SMS in progress with a removed dispatcher may take as long as the former configuration
  /// allowed.
  void use(const config::Config& config);
  /// Notes a movement.
  void moved() { progress_.moved(now()); }
  /// Logs a stall once, and acts once.
  void look();
  /// Acting did not help. systemd's watchdog is not notified any more.
  bool lost() const { return state_ == Progress::State::lost; }
  /// Whether an attempt that was handed over at `since` has taken longer than any attempt may.
  bool overdue(kj::TimePoint since) const {
    return timer_.now() - since >= progress_.patience().count() * kj::MILLISECONDS;
  }
  /// Returns the time without a movement after which it acts.
  static Milliseconds patienceFor(const config::Config& config);

 private:
  Milliseconds now() const {
    return Milliseconds((timer_.now() - kj::origin<kj::TimePoint>()) / kj::MILLISECONDS);
  }

  kj::Timer& timer_;
  const events::EventLog& log_;
  Milliseconds configured_;  // the patience for the present configuration alone
  Progress progress_;
  Progress::State state_ = Progress::State::moving;
  kj::Function<Progress::Owed()> owed_;
  kj::Function<void()> act_;
  Alarm alarm_;
};

}  // namespace smsd::road
