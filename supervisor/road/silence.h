// SPDX-License-Identifier: GPL-3.0-or-later
// What to do about a call to the queue that is not answered. Pure: the caller passes the time.
//
// Owns whether a call runs, since when, and how many calls in a row ended only because their connection was
// cut. There are three steps. After `longSilence` the queue counts as away, as in any other outage. Then the
// connection is cut, because the fault may be in the connection alone and a new one is cheap: first when the
// call has lasted a lease, because from then on another supervisor may take over, and after each cut only
// when the next call has lasted twice as long. If the call still hangs nine leases after the cut, it is stuck
// within this process. Called by the ledger, which carries out the steps.
#pragma once

#include <kj/debug.h>
#include <kj/time.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "supervisor/delivery/backoff.h"

namespace smsd::road {

class Silence {
 public:
  using Time = std::chrono::milliseconds;

  /// A call without an answer for this long means that the database, or the network to it, hangs.
  static constexpr Time longSilence = std::chrono::seconds(10);

  explicit Silence(Time lease) : lease_(lease) {}

  /// A call begins. Only one may run at a time.
  void asked(kj::TimePoint now) {
    KJ_REQUIRE(!asked_, "a call to the queue began while another one ran");
    asked_ = now;
  }
  bool asking() const { return asked_.has_value(); }
  /// The call ended, with a result or an error.
  void answered() {
    KJ_REQUIRE(asked_.has_value(), "the queue answered a call that did not run");
    asked_.reset();
    cutsInARow_ += std::exchange(cut_, false) ? 1 : 0;
    lost_ = false;
  }
  /// The queue works, so that the next silence is met as the first one.
  void over() {
    cutsInARow_ = 0;
    whyAway_ = false;
  }

  /// The queue counts as away from now on because of this silence, so that any answer ends that.
  void makesAway() { whyAway_ = true; }
  /// The queue is away because a call failed.
  void callFailed() { whyAway_ = false; }
  bool isWhyAway() const { return whyAway_; }

  /// Whether the call still hangs long after its connection was cut.
  bool lost() const { return lost_; }

  /// The steps that are due at a look. Late looks may find more than one.
  struct Due {
    Time waited{0};
    bool away = false;  // the queue counts as away; repeated at each look
    bool cut = false;   // cut the connection, once for each call
    bool lost = false;  // nothing else helps
    std::optional<kj::TimePoint> lookAgain{};
  };
  /// Returns nothing to do while no call runs, and after a call is lost.
  Due look(kj::TimePoint now) {
    if (!asked_ || lost_) return {};
    const Time patience =
        delivery::Backoff{std::max(lease_, longSilence), 2, seldomCut}.after(cutsInARow_ + 1);
    const Time end = patience + leasesToTheEnd * lease_;
    Due due{.waited = Time((now - *asked_) / kj::MILLISECONDS)};
    due.away = due.waited >= longSilence;
    due.cut = due.waited >= patience && !std::exchange(cut_, true);
    due.lost = lost_ = due.waited >= end;
    if (!due.lost)
      due.lookAgain = *asked_ + (!due.away               ? longSilence
                                 : due.waited < patience ? patience
                                                         : end)
                                        .count() *
                                    kj::MILLISECONDS;
    return due;
  }

 private:
  /// Cuts come at intervals that grow up to this one: a server that accepts each connection and answers on
  /// none would otherwise fill up with them.
  static constexpr Time seldomCut = std::chrono::hours(1);
  /// If the call still hangs this many leases after the cut, smsd may as well be restarted.
  static constexpr int leasesToTheEnd = 9;

  Time lease_;
  std::optional<kj::TimePoint> asked_;  // none: no call runs
  bool cut_ = false;                    // the connection of this call was cut
  int cutsInARow_ = 0;                  // calls in a row that ended only when their connection was cut
  bool lost_ = false;
  bool whyAway_ = false;
};

}  // namespace smsd::road
