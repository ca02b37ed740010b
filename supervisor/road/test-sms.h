// SPDX-License-Identifier: GPL-3.0-or-later
// Test SMS: sent on an operator's command, past the queue, to see which dispatcher works.
//
// Owns each test SMS from its request until its report. Called by the control server and by `smsd --test`;
// the owner of the keepers passes on the outcomes of attempts. A test SMS is not a row of the queue: nothing
// about it is durable, and nothing is tried twice. It takes room in a dispatcher's window like any other SMS,
// one place at a time, and the dispatcher's breaker learns from it. Never waits for a dispatcher that cannot
// be used.
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

struct TestSmsRequest {
  std::string recipient;
  std::string text;
  std::string via;  // a dispatcher's name; empty: all in order until one accepts it
};

struct TestSmsTry {
  std::string dispatcher;
  std::optional<delivery::OutcomeKind> outcome;  // none: not tried
  std::string words;                             // the reason; if accepted, the reference
  Milliseconds took{0};
};

struct TestSmsReport {
  std::string problem;  // why the request was rejected; empty: it was not
  std::vector<TestSmsTry> tries;
  bool accepted() const { return !tries.empty() && tries.back().outcome == delivery::OutcomeKind::accepted; }
};

class TestSms {
 public:
  static constexpr std::size_t mostAtOnce = 8;

  /// `dispatchers` may change between calls. `mayTake` returns whether a test SMS may take the dispatcher's
  /// free place.
  TestSms(kj::Timer& timer, const DispatcherSet& dispatchers, format::FormatRules rules,
          kj::Function<bool(const keeper::Keeper&)> mayTake);
  ~TestSms() noexcept(false);

  /// Sets the rules for test SMS that start from now on.
  void use(format::FormatRules rules) { rules_ = rules; }
  kj::Promise<TestSmsReport> run(TestSmsRequest request);
  /// Notes the outcomes of test SMS, and removes them from `outcomes`.
  void reported(std::vector<delivery::AttemptOutcome>& outcomes);
  /// Called when a dispatcher may have room, or can no longer be used.
  void pump();
  /// Ends all test SMS now, because the daemon stops.
  void stop();

 private:
  struct Test;

  std::string objection(const TestSmsRequest& request) const;
  void advance(Test& test);
  /// Returns false if the test SMS has to wait for this dispatcher.
  bool handOver(Test& test, keeper::Keeper& keeper);
  void note(Test& test, std::optional<delivery::OutcomeKind> outcome, std::string words);
  void sweep();

  kj::Timer& timer_;
  const DispatcherSet& dispatchers_;
  format::FormatRules rules_;
  kj::Function<bool(const keeper::Keeper&)> mayTake_;
  queue::AttemptId next_;
  bool stopping_ = false;
  std::vector<std::unique_ptr<Test>> tests_;
  Alarm late_;  // a test SMS has waited long enough for room
};

}  // namespace smsd::road
