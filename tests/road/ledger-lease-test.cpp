// SPDX-License-Identifier: GPL-3.0-or-later
// The lease: renewed in time, run out, and lost to another supervisor.
#include <gtest/gtest.h>

#include "tests/road/world.h"

namespace smsd::road {
namespace {

using Kind = queue::QueueError::Kind;
using queue::Op;

TEST(Ledger, SaysWhyItCouldNotEnlist) {
  World world({{"modem"}});
  world.memory.fail(Op::enlist, Kind::denied);
  auto error = world.road->enlist().wait(world.io.waitScope);
  KJ_IF_MAYBE (what, error)
    EXPECT_EQ(what->kind(), Kind::denied);
  else
    ADD_FAILURE() << "it enlisted";
}

TEST(Ledger, DropsEverythingWhenFencedEndsItsWorkersAndEnlistsAnew) {
  World world({{"modem"}});
  for (int i = 0; i < 3; ++i) world.memory.put("recipient " + std::to_string(i), "text");
  world.start();
  world.memory.fence();
  world.advance(15s);  // the heartbeat hears of it
  EXPECT_EQ(world.story.count("another supervisor took over 3 SMS"), 1u);
  EXPECT_EQ(world.memory.calls(Op::enlist), 2u);
  EXPECT_TRUE(world.memory.settled().empty());

  EXPECT_EQ(world["modem"].ended.size(), 1u) << "what it held and had not begun must not leave any more";

  // Nobody else took them, so they come back to us, as orphans, and go out with the next worker.
  world.advance(5s);
  world.answer("modem", accepted("in time"));
  EXPECT_EQ(world.memory.count(queue::SentStatus::sent), 3u);
  EXPECT_EQ(world.memory.settled().size(), 3u);
  EXPECT_FALSE(world.road->ledger().away()) << "being fenced is not being away";
}

TEST(Ledger, LeavesToARivalWhatTheRivalTookOver) {
  World world({{"modem"}});
  for (int i = 0; i < 3; ++i) world.memory.put("recipient " + std::to_string(i), "text");
  world.start();
  world.memory.takeAway();
  world.advance(15s);
  EXPECT_EQ(world.road->underWay(), 0u);
  EXPECT_EQ(world["modem"].ended.size(), 1u);
  world.advance(1min);
  EXPECT_EQ(world.memory.calls(Op::settle), 0u);
  EXPECT_EQ(world.story.count("another supervisor took over 3 SMS"), 1u);
  EXPECT_EQ(world["modem"].handed.size(), 1u);
  auto ours = world.alert("kari", "a new one");
  world.answer("modem", accepted());
  EXPECT_EQ(world.sent(ours), 'Y');
}

TEST(Ledger, SaysAtTheStartAndOnceAnHourThatAnotherProgramSettlesMessagesAndWhenItIsGone) {
  World world({{"modem"}});
  world.memory.otherSettler("NAV's own smsd is connected");
  world.start();
  EXPECT_EQ(world.story.count("NAV's own smsd is connected"), 1u) << "at the start";
  EXPECT_EQ(world.road->ledger().otherSettler().words(), "NAV's own smsd is connected");
  world.advance(59min);
  EXPECT_EQ(world.story.count("NAV's own smsd is connected"), 1u);
  const auto& ledger = world.road->ledger();
  EXPECT_EQ(ledger.lasted(ledger.otherSettler()) / kj::MINUTES, 59);
  world.advance(2min);
  EXPECT_EQ(world.story.count("NAV's own smsd is connected"), 2u);
  auto id = world.alert("kari", "text");
  world.answer("modem", accepted());
  EXPECT_EQ(world.sent(id), 'Y') << "it goes on";
  world.memory.otherSettler("");
  world.advance(1min);
  EXPECT_EQ(world.story.count("no other program settles messages"), 1u);
  EXPECT_EQ(world.road->ledger().otherSettler().words(), "");
  world.advance(2h);
  EXPECT_EQ(world.story.count("no other program settles messages"), 1u);
}

TEST(Ledger, DropsItsSettlementsWhenTheyComeTooLate) {
  World world({{"modem"}});
  world.memory.put("kari", "text");
  world.start();
  world.memory.fence();
  world["modem"].sayAll(accepted("too late"));
  world.quiet();
  EXPECT_EQ(world.story.count("another supervisor took over"), 1u);
  EXPECT_EQ(world.road->ledger().unsettled(), 0u);
  EXPECT_TRUE(world.memory.settled().empty());
}

TEST(Ledger, LetsNothingLeaveOnALeaseThatHasRunOutAndGoesOnWhenItIsRenewed) {
  World world({{"modem"}});
  for (int i = 0; i < 2; ++i) world.memory.put("recipient " + std::to_string(i), "text");
  world.start();
  ASSERT_EQ(world["modem"].handed.size(), 1u);
  world.memory.hold(Op::renew);
  auto pass = [&world](kj::Duration time) {
    world.timer.advanceTo(world.timer.now() + time);
    world.turn();
  };
  pass(15 * kj::SECONDS);
  world.memory.waitUntilHeld();
  pass(15 * kj::SECONDS + 1 * kj::MILLISECONDS);
  EXPECT_TRUE(world.road->ledger().leaseRanOut());
  world["modem"].sayAll(accepted());
  world.turn();
  EXPECT_EQ(world["modem"].handed.size(), 1u);
  world.memory.release();
  world.quiet();
  EXPECT_EQ(world["modem"].handed.size(), 2u) << "whether or not anything else happens";
}

// As fenced: a settlement of the old file would mark rows of the new one.
TEST(Ledger, LetsGoOfEverythingWhenTheQueuesFileWasReplacedAndEnlistsInTheNewOne) {
  World world({{"gateway", 2}});
  for (const char* one : {"kari", "ola"}) world.memory.put(one, "text");
  world.start();
  const std::vector<queue::AttemptId> old = world["gateway"].out();
  ASSERT_EQ(old.size(), 2u);
  const std::size_t enlistments = world.memory.calls(Op::enlist);
  world.memory.fail(Op::claim, Kind::replaced);
  world.road->notice();
  world.quiet();
  EXPECT_EQ(world.story.count("2 SMS under way belonged to the old file"), 1u) << world.story.text();
  EXPECT_EQ(world.story.count("the queue is away"), 0u);
  EXPECT_EQ(world.memory.calls(Op::enlist), enlistments + 1);
  world["gateway"].sayAll(accepted());
  world.quiet();
  for (const auto& settlement : world.memory.settled())
    EXPECT_EQ(std::count(old.begin(), old.end(), settlement.submission.attempt), 0) << "of the old file";
}

TEST(Ledger, RenewsItsLeaseTwiceInItsTime) {
  World world({{"modem"}});
  world.start();
  std::size_t before = world.memory.calls(Op::renew);
  world.advance(5min);
  EXPECT_EQ(world.memory.calls(Op::renew), before + 20);
  EXPECT_FALSE(world.road->ledger().leaseRanOut());
}

TEST(Ledger, CountsTheLeaseFromTheMomentItWasAskedFor) {
  World world({{"modem"}});
  world.start();
  world.memory.hold(Op::renew);
  world.timer.advanceTo(world.timer.now() + 15 * kj::SECONDS);
  world.turn();
  world.memory.waitUntilHeld();
  world.timer.advanceTo(world.timer.now() + 10 * kj::SECONDS);  // the database takes its time
  world.turn();
  world.memory.release();
  world.quiet();
  world.memory.hold(Op::renew);
  world.timer.advanceTo(world.timer.now() + 20 * kj::SECONDS + 1 * kj::MILLISECONDS);
  world.turn();
  EXPECT_TRUE(world.road->ledger().leaseRanOut());
}

}  // namespace
}  // namespace smsd::road
