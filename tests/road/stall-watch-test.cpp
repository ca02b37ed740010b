// SPDX-License-Identifier: GPL-3.0-or-later
// The watch over the road: first alone, with a clock moved by hand and a journal, then on the whole road.
#include "supervisor/road/stall-watch.h"

#include <gtest/gtest.h>

#include "tests/road/story.h"
#include "tests/road/world.h"

namespace smsd::road {
namespace {

using Owed = Progress::Owed;

config::Config with(Milliseconds timeout, Milliseconds startTimeout) {
  config::Config config;
  config.dispatchers.resize(2);
  config.dispatchers[0].timeout = 1s;
  config.dispatchers[0].startTimeout = 1s;
  config.dispatchers[1].timeout = timeout;
  config.dispatchers[1].startTimeout = startTimeout;
  return config;
}

struct Watched {
  void advance(Milliseconds by) {
    timer.advanceTo(timer.now() + static_cast<std::uint64_t>(by.count()) * kj::MILLISECONDS);
    scope.poll();
  }
  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
  Story story;
  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  events::EventLog log{config::RecipientInLog::plain};
  Owed owed = Owed::something;
  int acts = 0;
  StallWatch watch{timer, log, with(30s, 30s), [this]() { return owed; },
                   [this]() {
                     ++acts;
                     watch.look();
                   }};
};

TEST(StallWatch, HasPatienceForTheSlowestDispatcherAndAMargin) {
  EXPECT_EQ(StallWatch::patienceFor(config::Config{}), 30s);
  EXPECT_EQ(StallWatch::patienceFor(with(30s, 30s)), 120s);
  EXPECT_EQ(StallWatch::patienceFor(with(100ms, 100ms)), 33s);
}

TEST(StallWatch, ActsOnceAndGivesUpOnceByItsOwnAlarm) {
  struct Row {
    Milliseconds passes;
    int acts;
    bool lost;
    std::size_t entries;
  };
  Watched world;
  world.watch.look();
  for (auto& row : {
           Row{120s - 1ms, 0, false, 0},
           Row{1ms, 1, false, 1},
           Row{120s - 1ms, 1, false, 1},
           Row{1ms, 1, true, 2},
           Row{1000s, 1, true, 2},
       }) {
    world.advance(row.passes);
    EXPECT_EQ(world.acts, row.acts);
    EXPECT_EQ(world.watch.lost(), row.lost);
    EXPECT_EQ(world.story.count("nothing has moved for"), row.entries);
  }
  world.watch.moved();
  world.watch.look();
  EXPECT_FALSE(world.watch.lost());
}

TEST(StallWatch, NeitherActsWhileSomethingMovesNorWhileNothingIsOwed) {
  Watched world;
  world.watch.look();
  for (int i = 0; i < 10; ++i) {
    world.advance(119s);
    world.watch.moved();
    world.watch.look();
  }
  world.owed = Owed::nothing;
  world.advance(119s);
  world.watch.look();
  world.advance(1000s);
  EXPECT_EQ(world.acts, 0);
}

TEST(StallWatch, AllowsAfterAReloadWhatTheFormerConfigurationAllowed) {
  Watched world;
  for (auto [timeout, overdueAfter] :
       {std::pair<Milliseconds, Milliseconds>{60s, 180s}, {1s, 180s}, {1s, 62s}, {2s, 64s}}) {
    world.watch.use(with(timeout, 30s));
    auto after = [&](Milliseconds time) {
      return world.watch.overdue(world.timer.now() - std::int64_t(time.count()) * kj::MILLISECONDS);
    };
    world.advance(1000s);
    EXPECT_FALSE(after(overdueAfter - 1ms)) << timeout.count();
    EXPECT_TRUE(after(overdueAfter)) << timeout.count();
  }
}

/// Twice an attempt's timeout, a start, and a margin: with the defaults of a dispatcher 30 s each.
constexpr Milliseconds patience = 120s;

TEST(StallWatchOnRoad, ReplacesAWorkerThatHoldsAnSmsPastEveryDeadlineAndSaysSoOnce) {
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

TEST(StallWatchOnRoad, IsNotAliveWhenActingDidNotHelpAndIsAgainWhenSomethingMoves) {
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

TEST(StallWatchOnRoad, IsAliveWhileAnythingAtAllMoves) {
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
TEST(StallWatchOnRoad, IsAliveWithNothingToDo) {
  World world({{"modem"}});
  world.start();
  world.advance(10 * patience);
  EXPECT_TRUE(world.road->alive());
}

TEST(StallWatchOnRoad, IsAliveWithTheQueueAway) {
  World world({{"modem"}});
  world.start();
  world.memory.away();
  world.memory.put("kari", "router down");
  world.road->notice();
  world.advance(10 * patience);
  EXPECT_TRUE(world.road->alive());
}

TEST(StallWatchOnRoad, IsAliveWithoutAnyDispatcher) {
  World world({{"modem"}});
  world["modem"].start = FakeDispatcher::Start::fails;
  world.memory.put("kari", "router down");
  world.start();
  world.advance(10 * patience);
  EXPECT_TRUE(world.road->alive());
}

}  // namespace
}  // namespace smsd::road
