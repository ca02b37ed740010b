// The database's clock beside the kernel's: has it been stepped, and how much of an age is a step?
//
// Called by both backends with each reading of the database's clock. Pure: both readings are the caller's.
// Knows only of steps that happened while it watched. A step ahead makes what was written before it look
// older than it is: an alert must not expire, nor be given up, for that. A step back makes nothing older, so
// it is only reported.
#pragma once

#include <cstdlib>
#include <deque>
#include <optional>
#include <utility>

#include "supervisor/queue/queue.h"

namespace smsd::queue {

class ClockWatch {
 public:
  /// `database`: since 1970, as the database has it. `kernel`: of a clock that is never stepped and counts
  /// while the host sleeps.
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

  /// An age that by the database's clock is reached when `age` really is.
  Duration stretched(Duration age) const {
    for (auto step = ahead_.rbegin(); step != ahead_.rend(); ++step)
      if (database_ - age < step->after) age += step->size;
    return age;
  }

  /// How far the clock was stepped ahead since something was written, whose time is `written`.
  Duration aheadSince(Duration written) const {
    Duration sum{0};
    for (const Step& step : ahead_)
      if (written < step.after) sum += step.size;
    return sum;
  }

  /// The sum of the steps since this was last asked; none: there was none.
  std::optional<Duration> takeStep() { return std::exchange(unsaid_, std::nullopt); }

 private:
  struct Step {
    Duration after;  // what the database's clock said then
    Duration size;
  };
  // A reading is off by as long as it took to get here: less than this is no step.
  static constexpr Duration least{5000};
  static constexpr std::size_t most = 100;

  bool seen_ = false;
  Duration database_{0}, kernel_{0};
  std::deque<Step> ahead_;
  std::optional<Duration> unsaid_;
};

/// The kernel's clock for it.
Duration sinceBoot();

}  // namespace smsd::queue
