// SPDX-License-Identifier: GPL-3.0-or-later
// A call to the queue that is not answered.
#include <gtest/gtest.h>

#include "tests/road/world.h"

namespace smsd::road {
namespace {

using queue::Op;

TEST(Ledger, TakesAQueueThatDoesNotAnswerForAwayAndAnyAnswerForItsReturn) {
  World world({{"modem"}});
  world.start();
  world.memory.hold(Op::claim);
  world.memory.put("kari", "text");
  world.road->notice();
  world.memory.waitUntilHeld();
  auto pass = [&world](kj::Duration time) {
    world.timer.advanceTo(world.timer.now() + time);
    for (int i = 0; i < 3; ++i) world.turn();
  };
  pass(9 * kj::SECONDS);
  EXPECT_FALSE(world.road->ledger().away());
  pass(1 * kj::SECONDS);
  EXPECT_TRUE(world.road->ledger().away());
  pass(10 * kj::SECONDS);
  EXPECT_EQ(world.story.count(
                "the queue is away, nothing new is sent until it is back: it has not answered for 10s"),
            1u);
  world.memory.release();
  world.quiet();
  EXPECT_FALSE(world.road->ledger().away());
  EXPECT_EQ(world.story.count("the queue is back"), 1u);
  world.answer("modem", accepted());
  EXPECT_EQ(world.memory.count(queue::SentStatus::sent), 1u);
}

/// A claim that is not answered, and time that passes in steps; the queue's thread is held up meanwhile.
struct HungCall {
  explicit HungCall(queue::Memory::Cut cut) {
    world.memory.whenCut(cut);
    world.start();
    ask();
  }
  void ask() {
    world.memory.hold(Op::claim);
    world.memory.put("kari", "text");
    world.road->notice();
    world.memory.waitUntilHeld();
  }
  void pass(kj::Duration time) {
    world.timer.advanceTo(world.timer.now() + time);
    for (int i = 0; i < 3; ++i) world.turn();
  }
  std::size_t said(const std::string& words) {
    return world.story.count("the queue has not answered for " + words);
  }

  World world{{{"modem"}}};
};

TEST(Ledger, CutsTheConnectionOfACallThatIsNotAnsweredForALeaseAndGoesOnWithANewOne) {
  HungCall silence(queue::Memory::Cut::helps);
  auto& world = silence.world;
  silence.pass(29 * kj::SECONDS);
  EXPECT_EQ(world.memory.cuts(), 0u);
  silence.pass(1 * kj::SECONDS);
  EXPECT_EQ(world.memory.cuts(), 1u);
  EXPECT_EQ(silence.said("30s: smsd cuts its connection"), 1u);
  world.quiet();
  EXPECT_TRUE(world.road->ledger().away());
  world.advance(2s);
  EXPECT_FALSE(world.road->ledger().away());
  EXPECT_TRUE(world.road->alive());
  EXPECT_EQ(world.story.count("the queue is back"), 1u);
  world.answer("modem", accepted());
  EXPECT_EQ(world.memory.count(queue::SentStatus::sent), 1u);
}

TEST(Ledger, CutsTheNextConnectionOnlyAfterTwiceAsLongUntilACallWorks) {
  HungCall silence(queue::Memory::Cut::helps);
  auto& world = silence.world;
  silence.pass(29 * kj::SECONDS);
  world.memory.hold(Op::claim);  // the next one hangs, too
  silence.pass(1 * kj::SECONDS);
  ASSERT_EQ(world.memory.cuts(), 1u);
  world.quiet();
  silence.pass(250 * kj::MILLISECONDS);
  while (!world.memory.isHeld()) world.turn();  // it renews its lease first
  silence.pass(59 * kj::SECONDS);
  EXPECT_EQ(world.memory.cuts(), 1u);
  silence.pass(1 * kj::SECONDS);
  EXPECT_EQ(world.memory.cuts(), 2u);
  world.quiet();
  world.advance(2s);
  world.answer("modem", accepted());
  ASSERT_EQ(world.memory.count(queue::SentStatus::sent), 1u);
  silence.ask();
  silence.pass(30 * kj::SECONDS);
  EXPECT_EQ(world.memory.cuts(), 3u) << "a call that worked begins anew";
}

TEST(Ledger, WantsToBeStartedAnewWhenACallIsNotAnsweredAlthoughItsConnectionWasCut) {
  HungCall silence(queue::Memory::Cut::inVain);
  auto& world = silence.world;
  silence.pass(299 * kj::SECONDS);
  EXPECT_TRUE(world.road->alive());
  silence.pass(1 * kj::SECONDS);
  EXPECT_FALSE(world.road->alive());
  silence.pass(3600 * kj::SECONDS);
  EXPECT_EQ(world.memory.cuts(), 1u);
  EXPECT_EQ(silence.said("4m 59s: smsd cuts its connection"), 1u);
  EXPECT_EQ(silence.said("5m: this did not help"), 1u);
  world.memory.release();
  world.quiet();
  EXPECT_TRUE(world.road->alive());
  EXPECT_EQ(world.story.count("the queue is back"), 1u);
}

}  // namespace
}  // namespace smsd::road
