// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/round-end.h"

#include <gtest/gtest.h>

namespace smsd::road {
namespace {

using namespace std::chrono_literals;
using Then = RoundEnd::Then;
using config::AtLimit;

constexpr std::optional<Milliseconds> never = std::nullopt;

/// 10 s, 20 s, 40 s ..., at most 100 s.
RetryRules rules(AtLimit atLimit = AtLimit::ignore, int limit = 3,
                 std::optional<Milliseconds> giveUpAfter = 1h) {
  RetryRules rules;
  rules.delay = 10s;
  rules.factor = 2;
  rules.maxDelay = 100s;
  rules.limit = limit;
  rules.giveUpAfter = giveUpAfter;
  rules.atLimit = atLimit;
  return rules;
}

TEST(RoundEnd, WaitsLongerAfterEachRoundThatCounts) {
  struct Row {
    const char* what;
    RoundFacts round;
    bool counts;
    int rounds;
    Milliseconds wait;
  };
  for (auto& row : {
           Row{"the first", {.blamed = true}, true, 1, 10s},
           Row{"the second", {.rounds = 1, .blamed = true}, true, 2, 20s},
           Row{"the largest wait", {.rounds = 9, .blamed = true}, true, 10, 100s},
           Row{"it is not its fault", {.rounds = 1}, false, 1, 10s},
           Row{"and no dispatcher can be used", {.rounds = 1, .anyUsable = false}, false, 1, 0s},
           Row{"maybe sent, none usable", {.maybeSent = true, .anyUsable = false}, false, 0, 10s},
           Row{"blamed, none usable", {.blamed = true, .anyUsable = false}, true, 1, 10s},
           Row{"it blocks", {.rounds = 2, .blamed = true, .blocksMoreSevere = true}, true, 3, 10s},
           Row{"a longer wait is asked for", {.blamed = true, .asked = 50s}, true, 1, 50s},
           Row{"a shorter one", {.rounds = 1, .blamed = true, .asked = 15s}, true, 2, 20s},
           Row{"too long a one", {.blamed = true, .asked = 1h}, true, 1, 100s},
           Row{"asked, none usable", {.asked = 50s, .anyUsable = false}, false, 0, 50s},
       }) {
    const RoundEnd end = endOf(row.round, rules(AtLimit::ignore, 0));
    EXPECT_EQ(end.then, Then::waits) << row.what;
    EXPECT_EQ(end.counts, row.counts) << row.what;
    EXPECT_EQ(end.rounds, row.rounds) << row.what;
    EXPECT_EQ(end.wait, row.wait) << row.what;
    EXPECT_FALSE(end.usedUp) << row.what;
  }
}

TEST(RoundEnd, GivesUpByRoundsAndTime) {
  struct Row {
    const char* what;
    RetryRules rules;
    int rounds;
    bool blamed;
    std::optional<Milliseconds> failingFor;
    Then then;
    bool usedUp;
    std::optional<Milliseconds> givenUpIn;
  };
  const RetryRules both = rules(), roundsAlone = rules(AtLimit::ignore, 3, 0ms),
                   endless = rules(AtLimit::ignore, 3, never), ends = rules(AtLimit::shutdown),
                   noLimit = rules(AtLimit::ignore, 0), endsNever = rules(AtLimit::shutdown, 0);
  using enum RoundEnd::Then;
  for (auto& row : {
           Row{"before the last", both, 1, true, 2h, waits, false, 0ms},
           Row{"the last", both, 2, true, 2h, isIgnored, true, 0ms},
           Row{"too early", both, 2, true, 59min, waits, true, 1min},
           Row{"just in time", both, 9, true, 1h, isIgnored, true, 0ms},
           Row{"its first failure", both, 2, true, never, waits, true, 1h},
           Row{"not its fault", both, 3, false, 2h, waits, true, 0ms},
           Row{"rounds alone", roundsAlone, 2, true, never, isIgnored, true, 0ms},
           Row{"without end", endless, 9, true, 99h, waits, true, never},
           Row{"no limit", noLimit, 9, true, 99h, waits, false, 0ms},
           Row{"shutdown", ends, 2, true, never, endsDaemon, false, 1h},
           Row{"shutdown counts each", ends, 2, false, never, endsDaemon, false, 1h},
           Row{"shutdown, early", ends, 1, false, never, waits, false, 1h},
           Row{"shutdown, no limit", endsNever, 9, true, never, waits, false, 1h},
       }) {
    const RoundEnd end =
        endOf({.rounds = row.rounds, .blamed = row.blamed, .failingFor = row.failingFor}, row.rules);
    EXPECT_EQ(end.then, row.then) << row.what;
    EXPECT_EQ(end.usedUp, row.usedUp) << row.what;
    EXPECT_EQ(end.givenUpIn, row.givenUpIn) << row.what;
  }
}

}  // namespace
}  // namespace smsd::road
