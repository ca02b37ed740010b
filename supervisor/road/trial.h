// Test SMS: sent at an operator's word, past the queue, to see which way out works.
//
// Owns each trial from its request until its report. Called by the control server and by `smsd --test`; told
// by whoever hears the keepers what became of attempts. A trial is no row of the queue: nothing of it is
// durable, and nothing is tried twice. It takes room in a dispatcher's window like any other SMS, one place
// at a time, and a dispatcher's breaker learns from it. Never waits for a dispatcher that cannot be used.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/alarm.h"
#include "supervisor/keeper/keeper.h"
#include "supervisor/road/attempt-range.h"

namespace smsd {

struct TrialRequest {
  std::string recipient;
  std::string text;
  std::string via;  // a dispatcher's name; empty: all in order until one takes it
};

struct TrialTry {
  std::string dispatcher;
  std::optional<OutcomeKind> outcome;  // none: it was not tried
  std::string words;                   // the reason; of accepted the reference
  Milliseconds took{0};
};

struct TrialReport {
  std::string problem;  // why it was not tried at all; empty: it was
  std::vector<TrialTry> tries;
  bool accepted() const { return !tries.empty() && tries.back().outcome == OutcomeKind::accepted; }
};

class Trials {
 public:
  using Keepers = std::vector<std::unique_ptr<keeper::Keeper>>;
  static constexpr std::size_t mostAtOnce = 8;

  /// `keepers` may change between calls. `mayTake`: the place that a dispatcher has may be a test's.
  Trials(kj::Timer& timer, const Keepers& keepers, FormatRules rules,
         kj::Function<bool(const keeper::Keeper&)> mayTake);
  ~Trials() noexcept(false);

  /// For those that come from now on.
  void use(FormatRules rules) { rules_ = rules; }
  kj::Promise<TrialReport> run(TrialRequest request);
  /// Takes what is a trial's out of what a dispatcher reported.
  void reported(std::vector<AttemptOutcome>& outcomes);
  /// A dispatcher may have room, or cannot be used any more.
  void pump();
  /// For the end of the daemon: all that is not decided is answered now.
  void stop();

 private:
  struct Trial;

  keeper::Keeper* find(const std::string& name) const;
  std::string objection(const TrialRequest& request) const;
  void advance(Trial& trial);
  /// False: this dispatcher is done with, without having had it.
  bool handOver(Trial& trial, keeper::Keeper& keeper);
  void note(Trial& trial, std::optional<OutcomeKind> outcome, std::string words);
  void sweep();

  kj::Timer& timer_;
  const Keepers& keepers_;
  FormatRules rules_;
  kj::Function<bool(const keeper::Keeper&)> mayTake_;
  queue::AttemptId next_;
  bool stopping_ = false;
  std::vector<std::unique_ptr<Trial>> trials_;
  Alarm late_;  // one that waits for room has waited long enough
};

}  // namespace smsd
