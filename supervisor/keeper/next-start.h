// SPDX-License-Identifier: GPL-3.0-or-later
// When the next worker is started after one that failed. Pure: the caller passes the time.
//
// Owns the begin and the end of the wait. A worker that systemd starts, and that could not be reached or has
// ended, may be tried again before the end: an operator may have repaired and restarted its unit. Called by
// the succession.
#pragma once

#include <kj/debug.h>

#include <algorithm>
#include <chrono>
#include <optional>

namespace smsd::keeper {

class NextStart {
 public:
  using Time = std::chrono::milliseconds;  // since any fixed moment

  enum class After {
    failure,  // the worker may work again soon
    breach,   // the worker broke the contract, so that nothing shortens the wait
  };
  /// The last worker has failed. wait() may follow.
  void failed(After after) { after_ = after; }
  /// A wait begins.
  void wait(Time now, Time length) {
    KJ_REQUIRE(length > Time(0), "a wait without a length");
    since_ = now;
    at_ = now + length;
  }
  Time at() const { return at_; }
  /// There is something to send. Returns the new end if that shortens the wait.
  std::optional<Time> wanted(Time now) {
    const Time soonest = std::max(since_ + shortest, now);
    if (after_ == After::breach || soonest >= at_) return std::nullopt;
    return at_ = soonest;
  }

 private:
  static constexpr Time shortest = std::chrono::seconds(2);

  After after_ = After::breach;
  Time since_{0};
  Time at_{0};
};

}  // namespace smsd::keeper
