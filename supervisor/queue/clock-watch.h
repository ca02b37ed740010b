// SPDX-License-Identifier: GPL-3.0-or-later
// Compares the database's clock with the kernel's, to find steps of the database's clock and correct ages for
// them.
//
// All backends call it with each reading of the database's clock. Pure: the caller reads both clocks. It
// knows only the steps that happened while it watched. A step ahead makes older entries look older than they
// are, and an alert must not expire or be given up because of that. A step back makes nothing older, so it is
// only reported.
#pragma once

#include <kj/time.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>
#include <utility>

#include "supervisor/queue/queue.h"

namespace smsd::queue {

class ClockWatch {
 public:
  /// `database`: time since 1970 by the database's clock. `kernel`: reading of a clock that is never stepped
  /// and counts while the host sleeps.
  void see(Duration database, Duration kernel) {
    if (seen_) {
      const Duration step = (database - database_) - (kernel - kernel_);
      if (step >= least || step <= -least) {
        unsaid_ = unsaid_.value_or(Duration(0)) + step;
        if (step > Duration(0)) ahead_.push_back({database, step});
        if (ahead_.size() > most) ahead_.pop_front();
      }
    }
    seen_ = true;
    database_ = database;
    kernel_ = kernel;
  }

  /// Returns the age that an entry has by the database's clock when it is really `age` old.
  Duration stretched(Duration age) const {
    for (auto step = ahead_.rbegin(); step != ahead_.rend(); ++step)
      if (database_ - age < step->after) age += step->size;
    return age;
  }

  /// Returns how far the clock was stepped ahead since an entry was written; `written` is the time in that
  /// entry.
  Duration aheadSince(Duration written) const {
    Duration sum{0};
    for (const Step& step : ahead_)
      if (written < step.after) sum += step.size;
    return sum;
  }

  /// Returns how long ago something was that is `apparent` ago by the database's clock; `written` is the time
  /// in its entry. At least 0.
  Duration withoutSteps(Duration apparent, Duration written) const {
    return std::max(Duration(0), apparent - aheadSince(written));
  }

  /// Returns the sum of the steps since the last call. Returns nothing if there was no step, or if the steps
  /// cancel each other out.
  std::optional<Duration> takeStep() {
    const std::optional<Duration> step = std::exchange(unsaid_, std::nullopt);
    return step && std::chrono::abs(*step) >= least ? step : std::nullopt;
  }

 private:
  struct Step {
    Duration after;  // the database's reading just after the step
    Duration size;
  };
  // A reading may take up to this long to arrive, so a smaller difference is no step.
  static constexpr Duration least{5000};
  static constexpr std::size_t most = 100;

  bool seen_ = false;
  Duration database_{0}, kernel_{0};
  std::deque<Step> ahead_;
  std::optional<Duration> unsaid_;
};

/// The kernel's clock for ClockWatch::see. It counts while the host sleeps (CLOCK_BOOTTIME).
Duration sinceBoot();

/// The same clock for KJ.
class BootClock final : public kj::MonotonicClock {
 public:
  kj::TimePoint now() const override {
    return kj::origin<kj::TimePoint>() + sinceBoot().count() * kj::MILLISECONDS;
  }
};

}  // namespace smsd::queue
