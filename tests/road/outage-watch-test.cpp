// SPDX-License-Identifier: GPL-3.0-or-later
// The log of an outage on the whole road: one entry when no dispatcher can be used.
#include "supervisor/road/outage-watch.h"

#include <gtest/gtest.h>

#include "tests/road/world.h"

namespace smsd::road {
namespace {

TEST(OutageWatchOnRoad, SaysOnceThatNoDispatcherCanBeUsedHoweverManyProbesFail) {
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
TEST(OutageWatchOnRoad, SaysOnceThatNoDispatcherCanBeUsedHoweverOftenAWorkerIsStarted) {
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
