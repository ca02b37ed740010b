// SPDX-License-Identifier: GPL-3.0-or-later
// The queue away, slow, or taken over by somebody else: nothing is lost, repeated or sent on a lease that has
// run out.
#include <gtest/gtest.h>

#include "tests/road/world.h"

namespace smsd::road {
namespace {

using Kind = queue::QueueError::Kind;
using queue::Op;

TEST(Ledger, KeepsOutcomesWhileTheQueueIsAwayAndSettlesThemOnceItIsBack) {
  World world({{"gateway", 4}});
  for (int i = 0; i < 4; ++i) world.memory.put("recipient " + std::to_string(i), "text");
  world.start();
  world.memory.away();
  for (auto attempt : world["gateway"].out()) {
    world["gateway"].say(attempt, accepted());
    world.advance(1s);
  }
  auto later = world.memory.put("later", "text");
  world.road->notice();
  world.advance(5s);
  EXPECT_EQ(world.memory.count(queue::SentStatus::sent), 0u);
  EXPECT_EQ(world.road->ledger().unsettled(), 4u);
  EXPECT_TRUE(world.road->ledger().away());
  EXPECT_EQ(world.story.count("the queue is away"), 1u) << world.story.text();
  EXPECT_EQ(world["gateway"].handed.size(), 4u);

  world.memory.back();
  world.advance(10s);
  EXPECT_EQ(world.memory.count(queue::SentStatus::sent), 4u);
  EXPECT_EQ(world.memory.settled().size(), 4u) << "none twice";
  EXPECT_FALSE(world.road->ledger().away());
  EXPECT_EQ(world.story.count("the queue is away"), 1u);
  EXPECT_EQ(world.story.count("the queue is back"), 1u);
  world.answer("gateway", accepted());
  EXPECT_EQ(world.sent(later), 'Y');
}

TEST(Ledger, AsksTheQueueAgainWithGrowingDelays) {
  World world({{"modem"}});
  world.start();
  world.memory.away();
  world.road->notice();
  world.quiet();
  for (Milliseconds wait : {250ms, 500ms, 1000ms, 1500ms, 1500ms, 1500ms}) {
    std::size_t calls = world.memory.calls();
    world.advance(wait - 1ms);
    ASSERT_EQ(world.memory.calls(), calls) << wait.count();
    world.advance(1ms);
    ASSERT_EQ(world.memory.calls(), calls + 1) << wait.count();
  }
}

TEST(Ledger, ClaimsNothingNewWhileASettlementCannotBeMade) {
  World world({{"gateway", 4}});
  world.memory.put("kari", "text");
  world.start();
  world.memory.fail(Op::settle, Kind::failed, 3);
  world["gateway"].sayAll(accepted());
  world.quiet();
  std::size_t claims = world.memory.calls(Op::claim);
  world.alert("ola", "text");
  world.advance(1s);  // two further failures
  EXPECT_EQ(world.memory.calls(Op::claim), claims);
  world.advance(2s);
  EXPECT_EQ(world.handedTo("gateway").back(), "ola");
}

TEST(Ledger, LetsNothingLeaveWhileTheQueueIsAway) {
  World world({{"modem"}});
  for (int i = 0; i < 5; ++i) world.memory.put("recipient " + std::to_string(i), "text");
  world.start();
  world.memory.away();
  world["modem"].sayAll(accepted());  // the settlement finds the queue away
  world.quiet();
  std::size_t handed = world["modem"].handed.size();
  world["modem"].sayAll(accepted());
  world.advance(3s);
  EXPECT_EQ(world["modem"].handed.size(), handed);
  world.memory.back();
  world.advance(10s);
  world.answer("modem", accepted());
  EXPECT_EQ(world.memory.count(queue::SentStatus::sent), 5u);
}

/// Each way of the queue to fail, at each call the road makes of it: afterwards all is as if it had not been.
TEST(Ledger, RepeatsEachCallThatFailedWhateverTheReason) {
  for (Op op : {Op::renew, Op::takeOver, Op::claim, Op::recordAttempts, Op::settle})
    for (Kind kind :
         {Kind::unreachable, Kind::denied, Kind::notInstalled, Kind::busy, Kind::invalid, Kind::failed}) {
      if (op == Op::settle && kind == Kind::invalid) continue;  // never taken: see below
      SCOPED_TRACE(std::to_string(static_cast<int>(op)) + " fails as " +
                   std::to_string(static_cast<int>(kind)));
      World world({{"modem"}, {"gateway"}});
      world.start();
      world.memory.fail(op, kind, 3);
      auto id = world.memory.put("kari", "text");
      world.road->notice();
      world.advance(40s);
      world["modem"].sayAll(deferred());
      world.advance(40s);
      world["gateway"].sayAll(accepted());
      world.advance(40s);
      EXPECT_EQ(world.sent(id), 'Y');
      EXPECT_EQ(world["modem"].handed.size(), 1u);
      EXPECT_EQ(world["gateway"].handed.size(), 1u);
      EXPECT_EQ(world.memory.settled().size(), 1u);
      EXPECT_EQ(world.story.count("the queue is away"), 1u);
      EXPECT_EQ(world.story.count("the queue is back"), 1u);
    }
}

// One row with a constraint of somebody's would hold up all verdicts behind it, for ever.
TEST(Ledger, HoldsTheOneThatTheQueueDoesNotTakeAndSettlesTheOthers) {
  World world({{"gateway", 8}});
  std::vector<format::MessageId> others;
  for (int i = 0; i < 3; ++i) others.push_back(world.memory.put("before " + std::to_string(i), "text"));
  auto poisoned = world.memory.put("kari", "text");
  for (int i = 0; i < 3; ++i) others.push_back(world.memory.put("behind " + std::to_string(i), "text"));
  world.memory.poison("kari");
  world.start();
  world["gateway"].sayAll(accepted());
  world.quiet();
  for (auto id : others) EXPECT_EQ(world.sent(id), 'Y');
  EXPECT_EQ(world.sent(poisoned), 'N');
  EXPECT_EQ(world.memory.settled().size(), 7u);
  auto settled = world.memory.settled();
  auto held =
      std::find_if(settled.begin(), settled.end(), [](auto& one) { return one.fate == queue::Fate::held; });
  ASSERT_NE(held, settled.end());
  EXPECT_EQ(held->submission.recipient, "kari");
  EXPECT_EQ(held->reason, "the outcome was accepted, but the database refused it");
  EXPECT_EQ(world.story.count("the queue refuses the outcome accepted"), 1u);
  EXPECT_FALSE(world.road->ledger().away());
  EXPECT_EQ(world.story.count("the queue is away"), 0u);
  auto later = world.alert("ola", "text");
  world.answer("gateway", accepted());
  EXPECT_EQ(world.sent(later), 'Y');
  EXPECT_EQ(world["gateway"].handed.size(), 8u) << "it is not sent again";
}

TEST(Ledger, GoesOnWithoutTheOneThatCannotEvenBeHeld) {
  World world({{"gateway", 8}});
  world.memory.put("kari", "text");
  world.start();
  world.memory.fail(Op::settle, Kind::invalid, 2);
  world["gateway"].sayAll(accepted());
  world.quiet();
  EXPECT_TRUE(world.memory.live("kari")) << "whoever comes next asks what became of it";
  EXPECT_EQ(world.story.count("stays under way until you restart smsd"), 1u);
  auto later = world.alert("ola", "text");
  world.answer("gateway", accepted());
  EXPECT_EQ(world.sent(later), 'Y');
}

TEST(Ledger, IsWokenByNothingButItsLeaseWhileThereIsNothingToDo) {
  World world({});
  world.start();
  world.advance(1min);
  std::vector<kj::Duration> gaps;
  while (gaps.size() < 20) {
    auto before = world.timer.now();
    auto next = KJ_ASSERT_NONNULL(world.timer.nextEvent());
    world.advance(Milliseconds((next - before) / kj::MILLISECONDS));
    gaps.push_back(next - before);
  }
  for (auto gap : gaps)
    EXPECT_EQ(gap, std::uint64_t(world.config.queue.lease.count()) * kj::MILLISECONDS / 2);
}

TEST(Ledger, PurgesTheHistoryInSmallStepsWhileThereIsNothingElseToDo) {
  World world({{"modem"}});
  world.start();
  world.advance(9s);
  EXPECT_TRUE(world.memory.purges().empty());
  world.advance(1s);
  ASSERT_EQ(world.memory.purges().size(), 3u) << "until it says that it is done";
  EXPECT_EQ(world.memory.purges()[0], (std::pair<Milliseconds, std::size_t>(std::chrono::days(90), 500)));
  world.advance(59min);
  EXPECT_EQ(world.memory.purges().size(), 3u);
  world.advance(1min);
  EXPECT_EQ(world.memory.purges().size(), 6u);
}

TEST(Ledger, DoesNotTakeAPurgeThatIsRefusedForTroubleWithTheQueue) {
  World world({{"modem"}});
  world.start();
  world.memory.fail(Op::purge, Kind::denied, 1);
  world.advance(1min);
  EXPECT_FALSE(world.road->ledger().away());
  EXPECT_EQ(world.story.count("cannot be removed: told to fail"), 1u);
  EXPECT_EQ(world.memory.calls(Op::purge), 1u);
  world.advance(23h);
  EXPECT_EQ(world.memory.calls(Op::purge), 1u);
  world.advance(1h);
  EXPECT_EQ(world.memory.calls(Op::purge), 4u);
}

TEST(Ledger, KeepsTheHistoryForEverWhenToldTo) {
  config::Config config = quietConfig();
  config.queue.keepHistory.reset();
  World world({{"modem"}}, config);
  world.start();
  world.advance(48h);
  EXPECT_EQ(world.memory.calls(Op::purge), 0u);
}

TEST(Ledger, SaysOnceThatTheDatabasesClockWasStepped) {
  World world({{"modem"}});
  world.start();
  world.memory.stepClock(-2h);
  world.advance(1min);
  EXPECT_EQ(world.story.count("the database's clock was stepped back by 2h"), 1u);
  world.memory.stepClock(90min);
  world.advance(1min);
  EXPECT_EQ(world.story.count("the database's clock was stepped ahead by 1h 30m"), 1u);
  EXPECT_EQ(world.story.count("was stepped"), 2u);
  EXPECT_EQ(KJ_ASSERT_NONNULL(world.road->figures().lastClockStep()).step, 90min);
}

TEST(Ledger, StillLooksAtTheHeadWhenTheClaimOfTheHeadFailed) {
  World world({{"modem"}});
  for (int i = 0; i < 100; ++i) world.memory.put("recipient " + std::to_string(i), "text", 5);
  world.start();
  world.memory.fail(Op::claim, Kind::unreachable);
  world.alert("on call", "critical", 1);
  world.advance(1s);
  world["modem"].sayAll(accepted());
  world.quiet();
  EXPECT_EQ(world.handedTo("modem").back(), "on call");
}

TEST(Ledger, PollsMoreOftenWhileNothingWakesItAndSaysSoOnce) {
  config::Config config = quietConfig();
  World world({{"modem"}}, config);
  world.memory.hangBell();
  world.start();
  world.advance(0s);
  EXPECT_EQ(world.road->ledger().bell().state(), queue::Bell::State::untested) << "once is nothing";
  world.advance(queue::Bell::confirmAfter);
  EXPECT_EQ(world.road->ledger().bell().state(), queue::Bell::State::silent);
  EXPECT_EQ(world.story.count("new messages do not wake smsd"), 1u) << world.story.text();
  world.memory.put("kari", "nobody tells the road");
  world.advance(queue::Bell::pollWhileSilent);
  EXPECT_EQ(world.handedTo("modem"), std::vector<std::string>{"kari"});
  const std::size_t rings = world.memory.rings();
  world.advance(10min);
  EXPECT_EQ(world.memory.rings(), rings + 10) << "it may come back";
  EXPECT_EQ(world.story.count("new messages do not wake smsd"), 1u);
}

TEST(Ledger, TestsTheBellAgainWhenTheQueueIsBack) {
  World world({{"modem"}});
  world.memory.hangBell();
  world.start();
  world.advance(10s);
  const std::size_t rings = world.memory.rings();
  world.memory.away();
  world.road->notice();
  world.advance(1s);
  EXPECT_EQ(world.memory.rings(), rings);
  world.memory.back();
  world.advance(2s);
  EXPECT_GT(world.memory.rings(), rings);
}

TEST(Ledger, NeitherStarvesClaimsNorSettlements) {
  World world({{"gateway", 64}});
  for (int i = 0; i < 2000; ++i) world.memory.put("recipient " + std::to_string(i), "text", i % 7);
  world.start();
  world.answer("gateway", accepted());
  EXPECT_EQ(world.memory.count(queue::SentStatus::sent), 2000u);
  EXPECT_EQ(world.road->underWay(), 0u);
  EXPECT_LE(world.memory.calls(Op::claim), 60u) << "claims come in batches";
}

}  // namespace
}  // namespace smsd::road
