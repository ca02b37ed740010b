// SPDX-License-Identifier: GPL-3.0-or-later
// Decides what the ledger claims next, for which dispatcher, and when to look at the queue again.
//
// Owns the plan (claim-plan.h has its rules), the places that are given away only after a look at the queue,
// and the alarms for the next look: the poll, the end of a recipient's wait, and the next step of the
// decision at the start. Called by the road. Never reads the queue itself.
#pragma once

#include <kj/function.h>
#include <kj/timer.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/kj/alarm.h"
#include "supervisor/road/claim-plan.h"
#include "supervisor/road/dispatcher-set.h"
#include "supervisor/road/ledger.h"
#include "supervisor/road/sms-under-way.h"
#include "supervisor/road/start-decision.h"

namespace smsd::road {

class Claimer {
 public:
  /// The objects that it reads, and the decision that it makes. They outlive it.
  struct Dependencies {
    kj::Timer& timer;
    const config::Config& config;
    const DispatcherSet& dispatchers;
    const SmsUnderWay& sms;
    const Ledger& ledger;
    StartDecision& start;
  };
  /// `notice` is called when the queue may have something new, `pump` when the present plan may be carried
  /// out.
  Claimer(Dependencies dependencies, kj::Function<void()> notice, kj::Function<void()> pump);

  void start();
  void stop();
  /// The configuration has changed.
  void reconfigured();
  /// The bell rings again, or does not ring any more.
  void bellChanged();
  /// A recipient may be claimed again at `when`.
  void lookAgain(kj::TimePoint when) { look_.notLaterThan(when); }

  /// Returns what to claim now, or none.
  kj::Maybe<queue::ClaimRequest> next();
  void answered(const queue::ClaimResult& result);
  ClaimPlan& plan() { return plan_; }
  const ClaimPlan& plan() const { return plan_; }

  /// Notes which dispatchers have a place that is scarce, or on which much depends: the only place of a
  /// modem, a probe. It is given away only if the head of the queue was looked at since the place became
  /// free.
  void watchPlaces();
  /// Whether such a place of the dispatcher waits for a look.
  bool awaitsLook(const keeper::Keeper& keeper) const;

 private:
  ClaimPlan::InHand inHand(const keeper::Keeper& keeper) const;
  bool mayClaimFor(std::size_t firstUsable);
  queue::ClaimRequest request(const ClaimPlan::Plan& plan, const keeper::Keeper& keeper) const;
  Milliseconds pollEvery() const;

  struct ScarcePlace {
    bool free = false;
    std::uint64_t news = 0;  // plan_.news() when it became free
  };

  kj::Timer& timer_;
  const config::Config& config_;
  const DispatcherSet& dispatchers_;
  const SmsUnderWay& sms_;
  const Ledger& ledger_;
  StartDecision& start_;
  queue::Formatter format_;
  std::function<bool(const std::string&)> leaveOut_;  // empty without heartbeats
  std::optional<queue::PacedClaim> pacing_;           // none: pace is off
  ClaimPlan plan_;
  std::vector<ScarcePlace> places_;  // by dispatcher
  kj::Function<void()> notice_;
  Alarm startStep_;  // the next severity has waited long enough at the start
  Alarm look_;       // the wait or the window of a recipient is over
  Alarm poll_;
};

}  // namespace smsd::road
