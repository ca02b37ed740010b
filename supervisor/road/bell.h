// Whether the bell is heard: what wakes smsd when another program inserted a message. Pure: time comes in as
// an argument.
//
// The bell is PostgreSQL's NOTIFY, or the watch on the SQLite file. Both can fail without an error: a pooler
// in front of the database drops notifications, a file system or a limit of the kernel leaves a watch deaf.
// Then every message waits for the next poll. So smsd rings itself now and then, through a second connection,
// as another program would, and looks whether that is heard. Owns when the next test is due and what the
// tests so far mean. Called by the ledger.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "supervisor/queue/queue-thread.h"

namespace smsd {

class Bell {
 public:
  using Time = std::chrono::milliseconds;  // since any fixed moment

  enum class State {
    untested,
    heard,
    unannounced,  // it is heard, but nothing rings it when another program inserts a message
    silent,
  };
  enum class Change { none, toState };

  static constexpr Time testAgain = std::chrono::minutes(10), testWhileSilent = std::chrono::minutes(1),
                        confirmAfter = std::chrono::seconds(5), never = Time::max();
  /// How often the queue is polled at least while the bell is silent.
  static constexpr Time pollWhileSilent = std::chrono::seconds(5);

  State state() const { return state_; }
  /// Why messages are found by polling alone; empty in the states `untested` and `heard`.
  const std::string& problem() const { return problem_; }
  Time testAt() const { return testAt_; }
  Time pollEvery(Time configured) const {
    return state_ == State::silent ? std::min(configured, pollWhileSilent) : configured;
  }

  /// The connection is a new one, or may be.
  void testSoon() {
    if (testAt_ != never) testAt_ = Time::min();
  }
  void testing() { testAt_ = never; }
  Change tested(Time now, const queue::BellTest& test) {
    using Heard = queue::BellTest::Heard;
    if (test.heard == Heard::noBell) return Change::none;
    if (test.heard == Heard::no) return unheard(now, test.ring.ifUnheard);
    if (test.heard == Heard::disturbed) {
      testAt_ = now + confirmAfter;
      return Change::none;
    }
    unheard_ = 0;
    testAt_ = now + testAgain;
    return become(test.ring.unannounced.empty() ? State::heard : State::unannounced, test.ring.unannounced);
  }
  /// It could not be rung: that proves nothing, and what is not proven is not relied on.
  Change untestable(Time now, const std::string& why) {
    return unheard(now, "it could not be tested: " + why);
  }

 private:
  // Once may be a hiccup of the network or the database.
  Change unheard(Time now, const std::string& why) {
    testAt_ = now + (++unheard_ == 1 ? confirmAfter : testWhileSilent);
    return unheard_ == 1 ? Change::none : become(State::silent, why);
  }
  Change become(State state, const std::string& problem) {
    problem_ = problem;
    const State before = std::exchange(state_, state);
    const bool asExpected = before == State::untested && state == State::heard;
    return before == state || asExpected ? Change::none : Change::toState;
  }

  State state_ = State::untested;
  std::string problem_;
  Time testAt_ = Time::min();
  int unheard_ = 0;  // tests in a row
};

}  // namespace smsd
