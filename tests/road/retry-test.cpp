// SPDX-License-Identifier: GPL-3.0-or-later
// Retry, waits and the order under load: whose wait it is, what ends it, and what an outage may cost.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/road/world.h"

namespace smsd::road {
namespace {

using Names = std::vector<std::string>;
using queue::Fate;
using queue::SentStatus;

delivery::Outcome away() {
  return {delivery::OutcomeKind::deferred, "cannot be reached", {}, delivery::Reached::no};
}

/// Time passes, and all that is handed over meanwhile has this outcome.
void pass(World& world, Milliseconds time, const delivery::Outcome& outcome) {
  constexpr Milliseconds step = 5s;
  for (Milliseconds gone(0); gone < time; gone += step) {
    for (auto& keeper : world.road->dispatchers()) world.answer(keeper->name(), outcome);
    world.advance(step);
  }
}

/// The first dispatcher does not rest: an operator says that it works.
void mend(World& world) {
  world.road->dispatchers()[0].restart("mended");
  world.quiet();
}

/// C19: a 6 min 6 s outage once lost every queued alert.
TEST(Retry, AnOutageOfEverythingForTenMinutesCostsNoAlert) {
  for (int alerts : {1, 50})
    for (const delivery::Outcome& outcome : {away(), broken(), deferred(), unknown()}) {
      // Of one alone that is answered and not taken nobody can tell whose fault it is: it has its own
      // counter.
      if (alerts == 1 &&
          (outcome.kind == delivery::OutcomeKind::unknown || outcome.reached == delivery::Reached::yes) &&
          outcome.kind != delivery::OutcomeKind::broken)
        continue;
      SCOPED_TRACE(std::to_string(alerts) + " alerts, " + std::string(name(outcome.kind)));
      World world({{"modem"}, {"gateway", 8}});
      for (int i = 0; i < alerts; ++i) world.memory.put("recipient " + std::to_string(i), "text", i % 5);
      world.start();
      pass(world, 10min, outcome);
      EXPECT_EQ(world.memory.count(SentStatus::ignored), 0u);
      EXPECT_EQ(world.story.count("no dispatcher can be used"), 1u);
      pass(world, 10min + 5min, accepted());  // a broken one is probed every ten minutes
      EXPECT_EQ(world.memory.count(SentStatus::sent), std::size_t(alerts));
    }
}

TEST(Retry, AnOutageInWhichNoWorkerEvenStartsCostsNoAlert) {
  World world({{"modem"}});
  world["modem"].start = FakeDispatcher::Start::fails;
  for (int i = 0; i < 50; ++i) world.memory.put("recipient " + std::to_string(i), "text");
  world.start();
  world.advance(10min);
  world["modem"].start = FakeDispatcher::Start::ready;
  pass(world, 5min, accepted());
  EXPECT_EQ(world.memory.count(SentStatus::sent), 50u);
}

// C22: after an outage nobody sits out a wait of their own.
TEST(Retry, WhatAnOutageHeldUpGoesWithTheFirstProbeThatIsTaken) {
  World world({{"gateway", 8}});
  for (int i = 0; i < 40; ++i) world.memory.put("recipient " + std::to_string(i), "text");
  world.start();
  pass(world, 10min, away());
  Milliseconds until = world.road->dispatchers()[0].untilProbe();
  world.advance(until + 1ms);
  ASSERT_EQ(world["gateway"].out().size(), 1u) << "one is the probe";
  world.answer("gateway", accepted());
  EXPECT_EQ(world.memory.count(SentStatus::sent), 40u) << "and no more time passes";
}

// C18, C20: a number that nobody takes is its own trouble, whoever else is served.
TEST(Retry, ARecipientThatIsNeverTakenReachesItsLimitWhileOthersAreServed) {
  World world({{"gateway", 4}});
  auto stuck = world.alert("kari", "never taken");
  world.start();
  world.answer("gateway", deferred());
  for (int round = 2; round <= 5; ++round) {
    for (int i = 0; i < 20; ++i) world.memory.put("other " + std::to_string(100 * round + i), "text");
    world.road->notice();
    world.quiet();
    world.answer("gateway", accepted());
    EXPECT_EQ(world.sent(stuck), 'N') << round;
    world.advance(2min);
    world.answer("gateway", deferred());
  }
  EXPECT_EQ(world.sent(stuck), 'I');
  EXPECT_EQ(world.memory.count(SentStatus::sent), 80u);
  EXPECT_EQ(world.story.count("no dispatcher accepted it in 5 rounds; last answer: busy"), 1u);
}

// C36, C30: the daemon ends with a status of its own, and everything that was not sent stays unsent.
TEST(Retry, ShutdownAtTheLimitCountsEveryRoundWhateverTheCause) {
  config::Config config = quietConfig();
  config.retry.limit = 3;
  config.retry.atLimit = config::AtLimit::shutdown;
  World world({{"gateway", 4}}, config);
  for (int i = 0; i < 10; ++i) world.memory.put("recipient " + std::to_string(i), "text");
  world.start();
  auto end = world.road->limitReached();
  for (int i = 0; i < 20 && !end.poll(world.io.waitScope); ++i) pass(world, 1min, away());
  EXPECT_TRUE(end.poll(world.io.waitScope));
  EXPECT_EQ(world.memory.count(SentStatus::unsent), 10u);
  EXPECT_EQ(world.story.count("ends by itself, as configured: retry.limit is reached"), 1u);
}

// C10, C11: NAV's exit_on_permanent_error.
TEST(Retry, EverythingBrokenIsWaitedOutOrEndsTheDaemonAsConfigured) {
  for (auto configured : {config::WhenAllBroken::wait, config::WhenAllBroken::shutdown}) {
    config::Config config = quietConfig();
    config.retry.allBroken = configured;
    World world({{"modem"}, {"gateway"}}, config);
    auto id = world.alert("kari", "router down");
    world.start();
    auto end = world.road->limitReached();
    world["modem"].sayAll(broken());
    world.quiet();
    EXPECT_FALSE(end.poll(world.io.waitScope)) << "one is left";
    world["gateway"].sayAll(broken());
    world.quiet();
    EXPECT_EQ(end.poll(world.io.waitScope), configured == config::WhenAllBroken::shutdown);
    EXPECT_EQ(world.story.count("every dispatcher is broken"),
              configured == config::WhenAllBroken::shutdown ? 1u : 0u);
    EXPECT_EQ(world.sent(id), 'N');
    EXPECT_EQ(world.memory.settled().back().fate, Fate::returned);
  }
}

TEST(Retry, OneThatOnlyRestsOrIsPausedIsNotEverythingBroken) {
  for (bool pause : {false, true}) {
    config::Config config = quietConfig();
    config.retry.allBroken = config::WhenAllBroken::shutdown;
    World world({{"modem"}, {"gateway"}}, config);
    if (pause) world.road->dispatchers()[1].pause();
    for (int i = 0; i < 3; ++i) world.memory.put("recipient " + std::to_string(i), "text");
    world.start();
    auto end = world.road->limitReached();
    world["modem"].sayAll(broken());
    world.quiet();
    world.answer("gateway", deferred());
    EXPECT_TRUE(world.road->withoutDispatcherFor() != nullptr);
    EXPECT_FALSE(end.poll(world.io.waitScope));
  }
}

// C22.
TEST(Retry, SomethingMoreSevereDoesNotWaitBehindAnOldBackoffAndEndsItOnce) {
  World world({{"gateway", 4}});
  world.memory.put("kari", "info", 5);
  world.start();
  for (int round = 0; round < 3; ++round) {
    world.answer("gateway", deferred());
    world.advance(2min);
  }
  world.answer("gateway", deferred());  // the fourth round: the next would be the last
  mend(world);
  std::size_t before = world["gateway"].handed.size();
  world.alert("kari", "as unimportant", 5);
  EXPECT_EQ(world["gateway"].handed.size(), before);
  world.alert("kari", "critical", 1);
  ASSERT_EQ(world["gateway"].handed.size(), before + 1);
  EXPECT_EQ(world["gateway"].handed.back().sms.text, "1: critical; 2: info; 3: as unimportant");
  world.answer("gateway", deferred());
  mend(world);
  EXPECT_EQ(world.memory.count(SentStatus::ignored), 0u) << "the old rounds are not its own";
  for (int i = 0; i < 5; ++i) world.alert("kari", "critical again", 1);
  EXPECT_EQ(world["gateway"].handed.size(), before + 1) << "once";
  world.advance(30s);
  EXPECT_EQ(world["gateway"].handed.size(), before + 2) << "its first wait";
}

// What was claimed and has not left yet gives way, too: a modem may have minutes of work in hand.
TEST(Retry, SomethingMoreSevereTakesTheOthersOfItsRecipientAlong) {
  World world({{"modem"}});
  for (int i = 0; i < 6; ++i) world.memory.put("recipient " + std::to_string(i), "info", 5);
  world.start();
  auto critical = world.alert("recipient 5", "critical", 1);
  world["modem"].sayAll(accepted());
  world.quiet();
  ASSERT_EQ(world["modem"].handed.size(), 2u);
  EXPECT_EQ(world["modem"].handed[1].sms.text, "1: critical; 2: info");
  world.answer("modem", accepted());
  EXPECT_EQ(world.sent(critical), 'Y');
  EXPECT_EQ(world["modem"].handed.size(), 6u) << "nobody twice";
}

// It has to keep its key, so it cannot be made anew; but its recipient gets nothing else before it has ended.
TEST(Retry, WhatMayHaveBeenSentIsSentAgainAtOnceWhenSomethingMoreSevereStandsBehindIt) {
  World world({{"modem"}});
  auto info = world.alert("kari", "info", 5);
  world.start();
  world.answer("modem", unknown());
  mend(world);
  const std::size_t before = world["modem"].handed.size();
  world.alert("kari", "as unimportant", 5);
  EXPECT_EQ(world["modem"].handed.size(), before);
  auto critical = world.alert("kari", "critical", 1);
  ASSERT_EQ(world["modem"].handed.size(), before + 1);
  EXPECT_EQ(world["modem"].handed.back().key, world["modem"].handed[0].key);
  world["modem"].sayAll(accepted());
  world.quiet();
  EXPECT_EQ(world.sent(info), 'Y');
  ASSERT_EQ(world["modem"].handed.size(), before + 2) << "and the critical one follows at once";
  EXPECT_EQ(world["modem"].handed.back().sms.text, "1: critical; 2: as unimportant");
  world.answer("modem", accepted());
  EXPECT_EQ(world.sent(critical), 'Y');
}

TEST(Retry, WhatMayHaveBeenSentIsWokenOnceAndThenComesRoundSoon) {
  config::Config config = quietConfig();
  config.retry.factor = 10;
  config.retry.limit = 4;
  World world({{"gateway"}}, config);
  world.alert("kari", "info", 5);
  world.alert("other", "keeps the breaker closed");
  world.start();
  auto fail = [&world]() {
    world.answer("gateway", unknown());
    mend(world);
  };
  fail();
  world.advance(30s);
  fail();
  std::size_t before = world["gateway"].handed.size();
  world.alert("kari", "critical", 1);
  EXPECT_GT(world["gateway"].handed.size(), before);
  fail();
  before = world["gateway"].handed.size();
  for (int i = 0; i < 3; ++i) world.alert("kari", "critical", 1);
  EXPECT_EQ(world["gateway"].handed.size(), before) << "once";
  world.advance(30s);
  EXPECT_GT(world["gateway"].handed.size(), before) << "not after 3000 s";
}

/// Steady critical alerts at the full rate: after each hand-over there is a new one.
struct Stream {
  explicit Stream(World& streaming) : world(streaming) {}
  void run(int handOvers) {
    for (int i = 0; i < handOvers; ++i) {
      for (int n = 0; n < 2; ++n)
        world.memory.put("critical " + std::to_string(next++), "text", 1);  // twice what can be sent
      world.road->notice();
      world.quiet();
      auto out = world["modem"].out();
      ASSERT_FALSE(out.empty());
      world["modem"].say(out.front(), accepted());
      world.quiet();
    }
  }
  World& world;
  int next = 0;
};

// No starvation below: one hand-over in eight goes to the oldest in hand.
TEST(Order, LeavesAShareForTheLessSevereWhateverComesInAbove) {
  for (unsigned window : {1u, 8u}) {
    World world({{"modem", window}});
    for (int i = 0; i < 60; ++i) world.memory.put("info " + std::to_string(i), "text", i % 2 == 0 ? 5 : 3);
    Stream stream(world);
    for (int i = 0; i < 20; ++i) world.memory.put("critical " + std::to_string(stream.next++), "text", 1);
    world.start();
    stream.run(400);
    auto names = world.handedTo("modem");
    auto infos = std::count_if(names.begin(), names.end(), [](auto& one) { return one.starts_with("info"); });
    std::printf("window %u: of %zu SMS %ld were less severe\n", window, names.size(), infos);
    EXPECT_GE(infos, 20);
    EXPECT_LE(infos, 60) << "and no more than its share";
    stream.run(600);
    names = world.handedTo("modem");
    infos = std::count_if(names.begin(), names.end(), [](auto& one) { return one.starts_with("info"); });
    EXPECT_EQ(infos, 60) << "all of them leave";
  }
}

TEST(Order, WhatIsMoreSevereThanAllBeforeDoesNotWaitForTheShareOfOthers) {
  World world({{"modem"}});
  for (int i = 0; i < 200; ++i) world.memory.put("info " + std::to_string(i), "text", 3 + i % 3);
  world.start();
  for (int i = 0; i < 40; ++i) {
    auto name = "critical " + std::to_string(i);
    world.alert(name, "text", 1);
    world["modem"].sayAll(accepted());
    world.quiet();
    EXPECT_EQ(world.handedTo("modem").back(), name);
    for (int n = 0; n < 1 + i % 9; ++n) {  // whoever's turn it is
      world["modem"].sayAll(accepted());
      world.quiet();
    }
  }
}

}  // namespace
}  // namespace smsd::road
