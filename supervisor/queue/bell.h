// SPDX-License-Identifier: GPL-3.0-or-later
// Tests whether smsd wakes when another program inserts a message. Pure: time comes in as an argument.
//
// The bell is PostgreSQL's NOTIFY or the watch on the SQLite file. Both can fail without an error: a pooler
// in front of the database drops notifications, and a file system or a kernel limit leaves a watch without
// events. Every message then waits for the next poll. Therefore smsd rings the bell from time to time through
// a second connection, as another program would, and checks that the ring arrives. Owns when the next test is
// due and the result of the tests so far. Called by the ledger.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "supervisor/queue/queue-thread.h"

namespace smsd::queue {

class Bell {
 public:
  using Time = std::chrono::milliseconds;  // since any fixed moment

  enum class State {
    untested,
    heard,
    unannounced,  // rings arrive, but nothing rings when another program inserts a message
    silent,
  };
  enum class Change { none, toState };

  static constexpr Time testAgain = std::chrono::minutes(10), testWhileSilent = std::chrono::minutes(1),
                        confirmAfter = std::chrono::seconds(5), never = Time::max();
  /// The longest poll interval while the bell is silent.
  static constexpr Time pollWhileSilent = std::chrono::seconds(5);

  State state() const { return state_; }
  /// Why messages are found by polling alone; empty in the states `untested` and `heard`.
  const std::string& problem() const { return problem_; }
  /// When the present state began.
  Time stateSince() const { return stateSince_; }
  Time testAt() const { return testAt_; }
  Time pollEvery(Time configured) const {
    return state_ == State::silent ? std::min(configured, pollWhileSilent) : configured;
  }

  /// Makes a test due at once, because the connection is or may be new. A test in progress is not repeated.
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
    return become(now, test.ring.unannounced.empty() ? State::heard : State::unannounced,
                  test.ring.unannounced);
  }
  /// The bell could not be rung. Counts like a ring that did not arrive, because smsd relies only on a bell
  /// that passed its test.
  Change untestable(Time now, const std::string& why) {
    return unheard(now, "they could not be tested: " + why);
  }

 private:
  // A single miss may be a hiccup of the network or the database, so that only a second one in a row counts.
  Change unheard(Time now, const std::string& why) {
    testAt_ = now + (++unheard_ == 1 ? confirmAfter : testWhileSilent);
    return unheard_ == 1 ? Change::none : become(now, State::silent, why);
  }
  Change become(Time now, State state, const std::string& problem) {
    problem_ = problem;
    const State before = std::exchange(state_, state);
    if (before != state) stateSince_ = now;
    const bool asExpected = before == State::untested && state == State::heard;
    return before == state || asExpected ? Change::none : Change::toState;
  }

  State state_ = State::untested;
  std::string problem_;
  Time testAt_ = Time::min();
  Time stateSince_{0};
  int unheard_ = 0;  // misses in a row
};

}  // namespace smsd::queue
