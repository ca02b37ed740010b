// SPDX-License-Identifier: GPL-3.0-or-later
// Test SMS: sent on an operator's command, past the queue, to see which dispatcher works.
//
// Owns each trial from its request until its report. Called by the control server and by `smsd --test`; the
// owner of the keepers passes on the outcomes of attempts. A trial is not a row of the queue: nothing about
// it is durable, and nothing is tried twice. It takes room in a dispatcher's window like any other SMS, one
// place at a time, and the dispatcher's breaker learns from it. Never waits for a dispatcher that cannot be
// used.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/kj/alarm.h"
#include "supervisor/delivery/attempt-ids.h"
#include "supervisor/road/dispatcher-set.h"

namespace smsd::road {

struct TrialRequest {
  std::string recipient;
  std::string text;
  std::string via;  // a dispatcher's name; empty: all in order until one accepts it
};

struct TrialTry {
  std::string dispatcher;
  std::optional<delivery::OutcomeKind> outcome;  // none: not tried
  std::string words;                             // the reason; if accepted, the reference
  Milliseconds took{0};
};

struct TrialReport {
  std::string problem;  // why the request was rejected; empty: it was not
  std::vector<TrialTry> tries;
  bool accepted() const { return !tries.empty() && tries.back().outcome == delivery::OutcomeKind::accepted; }
};

class Trials {
 public:
  static constexpr std::size_t mostAtOnce = 8;

  /// `dispatchers` may change between calls. `mayTake` returns whether a test SMS may take the dispatcher's
  /// free place.
  Trials(kj::Timer& timer, const DispatcherSet& dispatchers, format::FormatRules rules,
         kj::Function<bool(const keeper::Keeper&)> mayTake);
  ~Trials() noexcept(false);

  /// Sets the rules for trials that start from now on.
  void use(format::FormatRules rules) { rules_ = rules; }
  kj::Promise<TrialReport> run(TrialRequest request);
  /// Notes the outcomes of trials, and removes them from `outcomes`.
  void reported(std::vector<delivery::AttemptOutcome>& outcomes);
  /// Called when a dispatcher may have room, or can no longer be used.
  void pump();
  /// Ends all trials now, because the daemon stops.
  void stop();

 private:
  struct Trial;

  std::string objection(const TrialRequest& request) const;
  void advance(Trial& trial);
  /// Returns false if the trial has to wait for this dispatcher.
  bool handOver(Trial& trial, keeper::Keeper& keeper);
  void note(Trial& trial, std::optional<delivery::OutcomeKind> outcome, std::string words);
  void sweep();

  kj::Timer& timer_;
  const DispatcherSet& dispatchers_;
  format::FormatRules rules_;
  kj::Function<bool(const keeper::Keeper&)> mayTake_;
  queue::AttemptId next_;
  bool stopping_ = false;
  std::vector<std::unique_ptr<Trial>> trials_;
  Alarm late_;  // a trial has waited long enough for room
};

}  // namespace smsd::road
