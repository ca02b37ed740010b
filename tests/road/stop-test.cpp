// SPDX-License-Identifier: GPL-3.0-or-later
// The end of the road: what is not out goes back, what is out is waited for, and the count that is left is
// right.
#include <gtest/gtest.h>

#include "tests/road/world.h"

namespace smsd::road {
namespace {

using queue::Fate;
using queue::Op;

/// The road being stopped; `left` once it says so.
struct Stopping {
  explicit Stopping(World& stopped)
      : world(stopped),
        done(
            stopped.road->stop().then([this](std::size_t count) { left = count; }).eagerlyEvaluate(nullptr)) {
  }
  bool over() {
    world.quiet();
    return left.has_value();
  }
  World& world;
  std::optional<std::size_t> left;
  kj::Promise<void> done;
};

TEST(Stop, IsOverAtOnceWhenNothingIsUnderWay) {
  World world({{"modem"}});
  world.start();
  Stopping stopping(world);
  EXPECT_TRUE(stopping.over());
  EXPECT_EQ(stopping.left, 0u);
}

TEST(Stop, GivesBackWhatIsNotOutAndWaitsForWhatIs) {
  World world({{"modem"}, {"gateway"}});
  for (int i = 0; i < 5; ++i) world.memory.put("recipient " + std::to_string(i), "text");
  world.start();
  auto out = world["modem"].out().at(0);
  world["modem"].begin(out);
  Stopping stopping(world);
  EXPECT_FALSE(stopping.over());
  EXPECT_EQ(world.memory.settled().size(), 4u);
  for (auto& one : world.memory.settled()) {
    EXPECT_EQ(one.fate, Fate::returned);
    EXPECT_FALSE(one.wait.has_value()) << "the next run may have it at once";
  }
  world["modem"].say(out, accepted());
  EXPECT_TRUE(stopping.over());
  EXPECT_EQ(stopping.left, 0u);
  EXPECT_EQ(world.memory.count(queue::SentStatus::sent), 1u);
  EXPECT_EQ(world.memory.count(queue::SentStatus::unsent), 4u);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(world.memory.live("recipient " + std::to_string(i)));
}

TEST(Stop, TakesBackWhatTheWorkersHadNotBegun) {
  World world({{"modem", 1, 3}});
  for (int i = 0; i < 4; ++i) world.memory.put("recipient " + std::to_string(i), "text");
  world.start();
  auto first = world["modem"].out().at(0);
  world["modem"].begin(first);
  Stopping stopping(world);
  EXPECT_FALSE(stopping.over());
  EXPECT_EQ(world["modem"].drains, 1u);
  EXPECT_EQ(world["modem"].out().size(), 1u);
  world["modem"].say(first, accepted());
  EXPECT_TRUE(stopping.over());
  EXPECT_EQ(stopping.left, 0u);
  EXPECT_EQ(world.memory.count(queue::SentStatus::unsent), 3u);
  EXPECT_EQ(world["modem"].handed.size(), 4u) << "nothing leaves any more";
}

TEST(Stop, DoesNotTryTheNextDispatcherAnyMore) {
  World world({{"modem"}, {"gateway"}});
  auto id = world.alert("kari", "text");
  world.start();
  auto out = world["modem"].out().at(0);
  world["modem"].begin(out);
  Stopping stopping(world);
  world.quiet();
  world["modem"].say(out, deferred());
  EXPECT_TRUE(stopping.over());
  EXPECT_EQ(stopping.left, 0u);
  EXPECT_TRUE(world["gateway"].handed.empty());
  EXPECT_EQ(world.sent(id), 'N');
  EXPECT_FALSE(world.memory.live("kari"));
}

TEST(Stop, CountsWhatMayHaveBeenSentAndLeavesItLiveForTheNextRun) {
  World world({{"modem"}});
  auto id = world.alert("kari", "text");
  world.start();
  auto out = world["modem"].out().at(0);
  world["modem"].begin(out);
  Stopping stopping(world);
  world.quiet();
  world["modem"].say(out, unknown());
  EXPECT_TRUE(stopping.over());
  EXPECT_EQ(stopping.left, 1u);
  EXPECT_TRUE(world.memory.live("kari"));
  EXPECT_EQ(world.sent(id), 'N');
}

TEST(Stop, EndsADispatcherThatNeverAnswersAfterStopTimeoutAndSaysHowManyAreLeft) {
  World world({{"modem", 2}});
  world.memory.put("kari", "text");
  world.memory.put("ola", "text");
  world.start();
  world["modem"].mute = true;
  for (auto attempt : world["modem"].out()) world["modem"].begin(attempt);
  Stopping stopping(world);
  world.advance(quietConfig().stopTimeout - 1ms);
  EXPECT_FALSE(stopping.over());
  EXPECT_TRUE(world["modem"].ended.empty());
  world.advance(1ms);
  EXPECT_EQ(world["modem"].ended.size(), 1u);
  world.advance(2s);
  EXPECT_TRUE(stopping.over());
  EXPECT_EQ(stopping.left, 2u);
  EXPECT_TRUE(world.memory.live("kari"));
}

TEST(Stop, SettlesWhatAWorkerThatHadToBeEndedNeverBegan) {
  World world({{"modem", 2}});
  world.memory.put("kari", "text");
  world.memory.put("ola", "text");
  world.start();
  world["modem"].mute = true;
  world["modem"].begin(world["modem"].out().at(0));
  Stopping stopping(world);
  world.advance(quietConfig().stopTimeout + 2s);
  EXPECT_TRUE(stopping.over());
  EXPECT_EQ(stopping.left, 1u);
  EXPECT_TRUE(world.memory.live("kari"));
  EXPECT_FALSE(world.memory.live("ola"));
}

TEST(Stop, DoesNotWaitForTheTimeoutBecauseAClaimWasUnderWay) {
  World world({{"modem"}});
  world.start();
  world.memory.put("kari", "text");
  world.memory.hold(Op::claim);
  world.road->notice();
  world.memory.waitUntilHeld();
  Stopping stopping(world);
  world.turn();
  EXPECT_FALSE(stopping.left.has_value());
  world.memory.release();
  EXPECT_TRUE(stopping.over());
  EXPECT_EQ(stopping.left, 0u);
  EXPECT_TRUE(world["modem"].handed.empty());
  EXPECT_FALSE(world.memory.live("kari")) << "what was claimed meanwhile goes back";
}

TEST(Stop, DoesNotWaitForTheTimeoutBecauseTheLeaseWasBeingRenewed) {
  World world({{"modem"}});
  world.start();
  world.memory.hold(Op::renew);
  world.timer.advanceTo(world.timer.now() + 15 * kj::SECONDS);
  world.turn();
  world.memory.waitUntilHeld();
  Stopping stopping(world);
  world.turn();
  world.memory.release();
  EXPECT_TRUE(stopping.over());
}

TEST(Stop, GivesBackWhatWasBeingRecordedForAnotherDispatcher) {
  World world({{"modem"}, {"gateway"}});
  world.memory.put("kari", "text");
  world.start();
  world.memory.hold(Op::recordAttempts);
  world["modem"].sayAll(deferred());
  world.memory.waitUntilHeld();
  Stopping stopping(world);
  world.turn();
  world.memory.release();
  EXPECT_TRUE(stopping.over());
  EXPECT_EQ(stopping.left, 0u);
  EXPECT_TRUE(world["gateway"].handed.empty());
  EXPECT_FALSE(world.memory.live("kari"));
}

TEST(Stop, CountsWhatCouldNotBeSettledBecauseTheQueueStayedAway) {
  World world({{"modem"}});
  world.memory.put("kari", "text");
  world.start();
  world.memory.away();
  world["modem"].sayAll(accepted());
  world.quiet();
  Stopping stopping(world);
  world.advance(quietConfig().stopTimeout + 2s);
  EXPECT_TRUE(stopping.over());
  EXPECT_EQ(stopping.left, 1u);
}

TEST(Stop, SettlesWhenTheQueueComesBackInTime) {
  World world({{"modem"}});
  auto id = world.alert("kari", "text");
  world.start();
  world.memory.away();
  world["modem"].sayAll(accepted());
  world.quiet();
  Stopping stopping(world);
  world.advance(5s);
  EXPECT_FALSE(stopping.over());
  world.memory.back();
  world.advance(10s);
  EXPECT_TRUE(stopping.over());
  EXPECT_EQ(stopping.left, 0u);
  EXPECT_EQ(world.sent(id), 'Y');
}

TEST(Stop, IsOverWhenItIsFencedMeanwhile) {
  World world({{"modem"}, {"gateway"}});
  world.memory.put("kari", "text");
  world.start();
  world.memory.hold(Op::recordAttempts);
  world["modem"].sayAll(deferred());
  world.memory.waitUntilHeld();
  Stopping stopping(world);
  world.turn();
  world.memory.fence();
  world.memory.release();
  EXPECT_TRUE(stopping.over());
}

TEST(Stop, LeavesTheLeaseToNobodyWhenItRetires) {
  World world({{"modem"}});
  world.start();
  Stopping stopping(world);
  ASSERT_TRUE(stopping.over());
  auto retired = world.road->retire();
  retired.wait(world.io.waitScope);
  std::size_t calls = world.memory.calls();
  world.advance(10min);
  EXPECT_EQ(world.memory.calls(), calls) << "no heartbeat, no poll";
}

}  // namespace
}  // namespace smsd::road
