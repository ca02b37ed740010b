// SPDX-License-Identifier: GPL-3.0-or-later
// The decision at the start: which dispatcher is the first that can be used? Pure: time comes in as an
// argument.
//
// Called by the road. Until the decision is made, dispatchers that are preferred to the first usable one get
// the chance to become ready before the others get their work. The more severe an SMS, the shorter it waits
// for that. The decision is made once: a dispatcher that a reload adds delays nothing.
#pragma once

#include <kj/debug.h>
#include <kj/time.h>

#include <algorithm>
#include <climits>

namespace smsd::road {

class StartDecision {
 public:
  /// The dispatchers that are preferred to the first usable one: whether all have become ready or failed.
  enum class Preferred { undecided, decided };
  /// An SMS waits this long times its severity, one without a severity until the decision.
  static constexpr auto perSeverity = 2 * kj::SECONDS;

  void begin(kj::TimePoint now) {
    KJ_REQUIRE(!begun_, "the road has started already");
    begun_ = true;
    at_ = now;
  }
  bool begun() const { return begun_; }
  void look(Preferred preferred) {
    KJ_REQUIRE(begun_, "the road has not started");
    made_ = made_ || preferred == Preferred::decided;
  }
  bool made() const { return made_; }
  /// Whether messages may be claimed, because one that is severe enough need not wait.
  bool mayClaim(kj::TimePoint now) const { return made_ || (begun_ && now - at_ >= perSeverity); }
  /// Returns when the next severity has waited long enough.
  kj::TimePoint nextStep(kj::TimePoint now) const {
    return at_ + ((now - at_) / perSeverity + 1) * perSeverity;
  }
  /// Whether an SMS of this rank waits for a dispatcher that is undecided.
  bool keepsBack(int rank, kj::TimePoint now) const {
    if (made_) return false;
    return rank == INT_MAX || now - at_ < std::max(rank, 1) * perSeverity;
  }

 private:
  bool begun_ = false;
  bool made_ = false;
  kj::TimePoint at_ = kj::origin<kj::TimePoint>();
};

}  // namespace smsd::road
