// SPDX-License-Identifier: GPL-3.0-or-later
// Does anything move, is there a way out at all: what the road says of itself.
#include <gtest/gtest.h>

#include "tests/road/world.h"

namespace smsd::road {
namespace {

using queue::Op;

/// Twice an attempt's timeout, a start, and a margin: with the defaults of a dispatcher 30 s each.
constexpr Milliseconds patience = 120s;

TEST(Watch, ReplacesAWorkerThatHoldsAnSmsPastEveryDeadlineAndSaysSoOnce) {
  World world({{"modem"}});
  auto id = world.alert("kari", "router down");
  world.start();
  world["modem"].begin(world["modem"].out().at(0));
  world.advance(patience - 1ms);
  EXPECT_TRUE(world["modem"].ended.empty());
  world.advance(1ms);
  ASSERT_EQ(world["modem"].ended.size(), 1u);
  EXPECT_EQ(world["modem"].ended[0], "it holds SMS past every deadline");
  EXPECT_EQ(world.story.count("nothing has moved for"), 1u);
  EXPECT_TRUE(world.road->alive());
  world.advance(5s);  // a new one is there
  world.answer("modem", accepted());
  EXPECT_EQ(world.sent(id), 'Y');
  world.advance(10 * patience);
  EXPECT_TRUE(world.road->alive());
  EXPECT_EQ(world.story.count("nothing has moved for"), 1u);
}

TEST(Watch, IsNotAliveWhenActingDidNotHelpAndIsAgainWhenSomethingMoves) {
  World world({{"modem"}});
  world.alert("kari", "router down");
  world.start();
  world["modem"].deaf = true;
  world.advance(2 * patience - 1ms);
  EXPECT_TRUE(world.road->alive());
  world.advance(1ms);
  EXPECT_FALSE(world.road->alive());
  EXPECT_EQ(world.story.count("nothing has moved for"), 2u);
  EXPECT_EQ(world.story.count("this did not help"), 1u);
  world.advance(10 * patience);
  EXPECT_EQ(world.story.count("nothing has moved for"), 2u) << "once each";
  world["modem"].sayAll(accepted());
  world.quiet();
  EXPECT_TRUE(world.road->alive());
}

TEST(Watch, IsAliveWhileAnythingAtAllMoves) {
  World world({{"modem"}});
  for (int i = 0; i < 20; ++i) world.memory.put("recipient " + std::to_string(i), "text");
  world.start();
  for (int i = 0; i < 20; ++i) {
    world.advance(patience - 1s);  // one verdict just in time
    ASSERT_EQ(world["modem"].out().size(), 1u);
    world["modem"].sayAll(accepted());
    world.quiet();
    EXPECT_TRUE(world.road->alive());
  }
  EXPECT_EQ(world.story.count("nothing has moved for"), 0u);
}

// Each is a state of its own, and not mended by a new smsd.
TEST(Watch, IsAliveWithNothingToDo) {
  World world({{"modem"}});
  world.start();
  world.advance(10 * patience);
  EXPECT_TRUE(world.road->alive());
}

TEST(Watch, IsAliveWithTheQueueAway) {
  World world({{"modem"}});
  world.start();
  world.memory.away();
  world.memory.put("kari", "router down");
  world.road->notice();
  world.advance(10 * patience);
  EXPECT_TRUE(world.road->alive());
}

TEST(Watch, IsAliveWithoutAnyDispatcher) {
  World world({{"modem"}});
  world["modem"].start = FakeDispatcher::Start::fails;
  world.memory.put("kari", "router down");
  world.start();
  world.advance(10 * patience);
  EXPECT_TRUE(world.road->alive());
}

TEST(Watch, SaysOnceThatNoDispatcherCanBeUsedHoweverManyProbesFail) {
  config::Config config = quietConfig();
  config.retry.limit = 0;
  World world({{"modem"}, {"gateway"}}, config);
  world.start();
  EXPECT_TRUE(world.road->withoutDispatcherFor() == nullptr);
  for (int i = 0; i < 5; ++i) world.alert("recipient " + std::to_string(i), "text");
  auto fail = [&world]() {
    for (auto* name : {"modem", "gateway"}) world.answer(name, deferred());
  };
  for (int minute = 0; minute < 60; ++minute) {
    fail();
    world.advance(60s);
  }
  EXPECT_GT(world["modem"].handed.size(), 8u) << "it was probed";
  EXPECT_EQ(world.story.count("no dispatcher can be used"), 1u);
  auto since = KJ_ASSERT_NONNULL(world.road->withoutDispatcherFor());
  EXPECT_GT(since, 50 * kj::MINUTES);

  for (int i = 0; i < 10; ++i) {
    world.advance(5min);
    world.answer("modem", accepted());
    world.answer("gateway", accepted());
  }
  EXPECT_TRUE(world.road->withoutDispatcherFor() == nullptr);
  world.road->dispatchers()[0].pause();
  world.road->dispatchers()[1].pause();
  EXPECT_TRUE(world.road->withoutDispatcherFor() != nullptr);
  EXPECT_EQ(world.story.count("no dispatcher can be used"), 2u);
}

// A worker that is started, fails and is started again is one outage, not one for each start.
TEST(Watch, SaysOnceThatNoDispatcherCanBeUsedHoweverOftenAWorkerIsStarted) {
  for (auto how :
       {FakeDispatcher::Start::fails, FakeDispatcher::Start::silent, FakeDispatcher::Start::ready}) {
    World world({{"modem"}});
    world["modem"].start = how;
    world.start();
    for (int starts = 0; starts < 8; ++starts) {
      if (world["modem"].alive()) world["modem"].die("exit status 78 (configuration)");
      world.quiet();
      EXPECT_TRUE(starts < 2 || world.road->withoutDispatcherFor() != nullptr);
      world.advance(world.road->dispatchers()[0].untilProbe());
    }
    EXPECT_EQ(world.story.count("no dispatcher can be used"), 1u) << world.story.text();
    world["modem"].start = FakeDispatcher::Start::ready;
    if (world["modem"].alive() && how == FakeDispatcher::Start::silent) world["modem"].ready();
    world.advance(2min);
    EXPECT_TRUE(world.road->withoutDispatcherFor() == nullptr);
  }
}

}  // namespace
}  // namespace smsd::road
