// SPDX-License-Identifier: GPL-3.0-or-later
// Which SMS goes next, where to, and when the queue is looked at.
#include <gtest/gtest.h>

#include "tests/road/world.h"

namespace smsd::road {
namespace {

using Names = std::vector<std::string>;
using queue::Look;
using queue::Op;

TEST(Road, SendsTheMostSevereFirstThenTheOldest) {
  World world({{"modem"}});
  world.memory.put("none", "without a severity");
  world.memory.put("three", "a", 3);
  world.memory.put("one", "b", 1);
  world.memory.put("two", "c", 2);
  world.memory.put("two, later", "d", 2);
  world.start();
  world.answer("modem", accepted());
  EXPECT_EQ(world.handedTo("modem"), (Names{"one", "two", "two, later", "three", "none"}));
  EXPECT_EQ(world.memory.count(queue::SentStatus::sent), 5u);
  EXPECT_EQ(world.road->figures().sent(), 5u);
}

TEST(Road, SendsOnceWhatTheQueueReturnsTwice) {
  World world({{"modem", 4}});
  world.memory.repeatSubmissions();
  world.memory.put("kari", "router down");
  world.memory.put("ola", "link down");
  world.start();
  EXPECT_EQ(world.handedTo("modem"), (Names{"kari", "ola"}));
  world.answer("modem", accepted());
  EXPECT_EQ(world.memory.count(queue::SentStatus::sent), 2u);
  EXPECT_EQ(world.memory.settled().size(), 2u);
}

TEST(Road, TakesOverOnceWhatTheQueueReturnsTwice) {
  World world({{"modem", 4}});
  world.memory.repeatSubmissions();
  world.memory.strand("kari", "router down", "modem");
  world.memory.strand("ola", "link down", "modem");
  world.start();
  EXPECT_EQ(world.handedTo("modem"), (Names{"kari", "ola"}));
  world.answer("modem", accepted());
  EXPECT_EQ(world.memory.count(queue::SentStatus::sent), 2u);
  EXPECT_EQ(world.memory.settled().size(), 2u);
}

TEST(Road, LetsANewCriticalAlertOvertakeABacklog) {
  World world({{"modem"}});
  for (int i = 0; i < 200; ++i) world.memory.put("backlog " + std::to_string(i), "minor", 5);
  world.start();
  world["modem"].sayAll(accepted());
  world.quiet();
  world.alert("on call", "the core router is down", 1);
  EXPECT_EQ(world.handedTo("modem").size(), 2u) << "one is under way, and nothing is taken back";
  world["modem"].sayAll(accepted());
  world.quiet();
  ASSERT_EQ(world.handedTo("modem").size(), 3u);
  EXPECT_EQ(world.handedTo("modem").back(), "on call");
  world.answer("modem", accepted());
  EXPECT_EQ(world.memory.count(queue::SentStatus::sent), 201u);
}

TEST(Road, ClaimsOnlyALittleAheadOfWhatTheDispatcherTakes) {
  World world({{"modem"}});
  for (int i = 0; i < 200; ++i) world.memory.put("recipient " + std::to_string(i), "minor", 5);
  world.start();
  EXPECT_LE(world.road->underWay(), 20u) << "the rest stays in the queue, where further messages can join it";
}

TEST(Road, MakesOneSmsOfTheMessagesOfOneRecipient) {
  World world({{"modem", 4}});
  world.memory.put("kari", "a", 2);
  world.memory.put("kari", "b", 1);
  world.start();
  ASSERT_EQ(world["modem"].handed.size(), 1u);
  EXPECT_EQ(world["modem"].handed[0].sms.text, "1: b; 2: a");
  world.answer("modem", accepted());
  EXPECT_EQ(world.memory.count(queue::SentStatus::sent), 2u);
}

TEST(Road, KeepsToThePreferredDispatcherWhileThatIsMerelyFull) {
  World world({{"modem", 1}, {"gateway", 64}});
  for (int i = 0; i < 5; ++i) world.memory.put("recipient " + std::to_string(i), "text");
  world.start();
  EXPECT_EQ(world.handedTo("modem").size(), 1u);
  world["modem"].begin(world["modem"].out().at(0));
  world.advance(10s);
  EXPECT_TRUE(world.handedTo("gateway").empty());
  world.answer("modem", accepted());
  EXPECT_EQ(world.handedTo("modem").size(), 5u);
  EXPECT_TRUE(world.handedTo("gateway").empty());
}

TEST(Road, HandsFewToAWorkerThatBeginsNothingAndPassesItOver) {
  World world({{"hoard", 256}, {"gateway", 64}});
  for (int i = 0; i < 60; ++i) world.memory.put("recipient " + std::to_string(i), "text");
  world.start();
  EXPECT_EQ(world.handedTo("hoard").size(), 32u);
  world.advance(2s);
  EXPECT_TRUE(world.handedTo("gateway").empty());
  world.advance(2s);
  EXPECT_EQ(world.handedTo("hoard").size(), 32u);
  EXPECT_EQ(world.handedTo("gateway").size(), 28u);
}

TEST(Road, HandsMoreAtOnceToAWorkerThatBegins) {
  World world({{"gateway", 256}});
  for (int i = 0; i < 200; ++i) world.memory.put("recipient " + std::to_string(i), "text");
  world.start();
  EXPECT_EQ(world["gateway"].handed.size(), 32u);
  for (auto attempt : world["gateway"].out()) world["gateway"].begin(attempt);
  world.advance(0s);
  EXPECT_GE(world["gateway"].handed.size(), 64u);
  for (auto attempt : world["gateway"].out()) world["gateway"].begin(attempt);
  world.advance(0s);
  EXPECT_EQ(world["gateway"].handed.size(), 200u);
}

TEST(Road, FillsWindowAndBacklogAndNoMore) {
  World world({{"gateway", 3, 2}});
  for (int i = 0; i < 20; ++i) world.memory.put("recipient " + std::to_string(i), "text");
  world.start();
  EXPECT_EQ(world["gateway"].out().size(), 5u);
  world.answer("gateway", accepted());  // the fake throws when it is given more than it takes
  EXPECT_EQ(world.memory.count(queue::SentStatus::sent), 20u);
}

/// Whatever an outcome short of accepted means later: now the next dispatcher gets the SMS, and no time
/// passes.
TEST(Road, FailsOverAtOnceWithANewAttemptAndTheSameKey) {
  for (const delivery::Outcome& outcome : {refused(), deferred(), deferred(5min), broken(), unknown()}) {
    SCOPED_TRACE(name(outcome.kind));
    World world({{"modem"}, {"gateway", 4}});
    auto id = world.alert("kari", "router down");
    ASSERT_TRUE(world["modem"].handed.empty()) << "not started yet";
    world.start();
    world["modem"].sayAll(outcome);
    world.quiet();
    ASSERT_EQ(world["gateway"].handed.size(), 1u);
    const auto& first = world["modem"].handed.at(0);
    const auto& second = world["gateway"].handed.at(0);
    EXPECT_NE(second.attempt, first.attempt);
    EXPECT_EQ(second.key, first.key);
    EXPECT_EQ(second.sms.text, first.sms.text);
    ASSERT_EQ(world.memory.recorded().size(), 1u);
    EXPECT_EQ(world.memory.recorded()[0].outcome, name(outcome.kind));
    EXPECT_EQ(world.memory.recorded()[0].reason, outcome.words);
    EXPECT_EQ(world.memory.recorded()[0].dispatcher, "gateway");
    EXPECT_EQ(world.story.count("goes to gateway"), 1u);

    world.answer("gateway", accepted("4711"));
    EXPECT_EQ(world.sent(id), 'Y');
    EXPECT_EQ(world.memory.settled().at(0).reference, "4711");
    EXPECT_EQ(world.memory.settled().at(0).submission.dispatcher, "gateway");
  }
}

TEST(Road, HandsNothingOverWhileItsNextAttemptIsNotYetDurable) {
  World world({{"modem"}, {"gateway"}});
  world.memory.put("kari", "router down");
  world.start();
  world.memory.hold(Op::recordAttempts);
  world["modem"].sayAll(deferred());
  world.memory.waitUntilHeld();
  world.turn();
  EXPECT_TRUE(world["gateway"].handed.empty());
  world.memory.release();
  world.quiet();
  EXPECT_EQ(world["gateway"].handed.size(), 1u);
}

TEST(Road, UsesTheOthersWhileThePreferredOneRests) {
  World world({{"modem"}, {"gateway"}});
  world.start();
  for (int i = 0; i < 3; ++i) {
    world.alert("recipient " + std::to_string(i), "text");
    world["modem"].sayAll(deferred());
    world.quiet();
    world.answer("gateway", accepted());
  }
  ASSERT_EQ(world.road->dispatchers()[0].state(), keeper::State::resting);
  world.alert("kari", "text");
  EXPECT_EQ(world.handedTo("modem").size(), 3u);
  EXPECT_EQ(world.handedTo("gateway").back(), "kari");
  world.answer("gateway", accepted());

  world.advance(5s);  // the probe
  world.alert("ola", "text");
  EXPECT_EQ(world.handedTo("modem").back(), "ola");
}

TEST(Road, GivesThePreferredDispatcherTheChanceToBecomeReadyAtTheStart) {
  World world({{"modem"}, {"gateway"}});
  world["modem"].start = FakeDispatcher::Start::silent;
  world.memory.put("kari", "router down");
  world.start();
  EXPECT_EQ(world.memory.calls(Op::claim), 0u);
  world["modem"].ready();
  world.quiet();
  EXPECT_EQ(world.handedTo("modem"), Names{"kari"});
  EXPECT_TRUE(world.handedTo("gateway").empty());
}

TEST(Road, GoesOnWithoutThePreferredDispatcherWhenThatDoesNotStart) {
  World world({{"modem"}, {"gateway"}});
  world["modem"].start = FakeDispatcher::Start::fails;
  world.memory.put("kari", "router down");
  world.start();
  EXPECT_EQ(world.handedTo("gateway"), Names{"kari"});
}

TEST(Road, ClaimsNothingWhileNoDispatcherCanBeUsedAndSaysSoOnce) {
  World world({{"modem"}});
  world["modem"].start = FakeDispatcher::Start::fails;
  world.memory.put("kari", "router down");
  world.start();
  world.advance(20s);
  EXPECT_EQ(world.memory.calls(Op::claim), 0u);
  EXPECT_FALSE(world.memory.live("kari"));
  EXPECT_EQ(world.story.count("no dispatcher can be used"), 1u) << world.story.text();
  world["modem"].start = FakeDispatcher::Start::ready;
  world.advance(60s);
  EXPECT_EQ(world.handedTo("modem"), Names{"kari"});
}

TEST(Road, MovesWhatItHoldsToAnotherDispatcherWhenTheFirstIsGone) {
  World world({{"modem"}, {"gateway", 8}});
  for (int i = 0; i < 4; ++i) world.memory.put("recipient " + std::to_string(i), "text");
  world.start();
  world["modem"].start = FakeDispatcher::Start::silent;
  world["modem"].die();  // one out and not begun, three waiting for room
  world.quiet();
  EXPECT_EQ(world["gateway"].handed.size(), 4u);
  world.answer("gateway", accepted());
  EXPECT_EQ(world.memory.count(queue::SentStatus::sent), 4u);
}

TEST(Road, IgnoresWhatHasNoTextAndSaysWhy) {
  World world({{"modem"}});
  auto empty = world.memory.put("kari", "");
  auto other = world.memory.put("ola", "text");
  world.start();
  world.answer("modem", accepted());
  EXPECT_EQ(world.handedTo("modem"), Names{"ola"});
  EXPECT_EQ(world.sent(empty), 'I');
  EXPECT_EQ(world.sent(other), 'Y');
  EXPECT_EQ(world.memory.settled().at(0).reason, "its text is empty");
  EXPECT_EQ(world.story.count("its text is empty"), 1u);
  EXPECT_EQ(world.road->figures().ignored(), 1u);
}

TEST(Road, CountsAndSaysWhatWasTooOldToBeSent) {
  config::Config config = quietConfig();
  config.queue.expireAfter = 1h;
  World world({{"modem"}}, config);
  auto old = world.memory.put("kari", "stale");
  world.memory.setClock(2h);
  world.start();
  EXPECT_EQ(world.sent(old), 'I');
  EXPECT_EQ(world.road->figures().ignored(), 1u);
  EXPECT_EQ(world.story.count("older than expire_after"), 1u);
}

TEST(Road, LooksAtTheHeadAndSweepsAgainWhenNewsComesDuringASweep) {
  World world({{"modem"}});
  for (int i = 0; i < 100; ++i) world.memory.put("recipient " + std::to_string(i), "text", 5);
  world.start();
  std::size_t before = world.memory.claims().size();
  // More than one look at the head takes, behind the place the sweep has come to.
  for (int i = 0; i < 30; ++i) world.memory.put("passed by " + std::to_string(i), "text", 4);
  world.alert("on call", "critical", 1);
  auto claims = world.memory.claims();
  ASSERT_GT(claims.size(), before);
  EXPECT_EQ(claims[before].look, Look::head);
  world.answer("modem", accepted());
  EXPECT_EQ(world.memory.count(queue::SentStatus::sent), 131u);
}

// The dispatcher is to work while the queue does: not after one large claim.
TEST(Road, ClaimsALittleFirstAndMoreInTheCourseOfASweep) {
  World world({{.name = "gateway", .window = 64, .backlog = 256}});
  world.start();
  for (int sweep = 0; sweep < 2; ++sweep) {
    std::size_t before = world.memory.claims().size();
    for (int i = 0; i < 2000; ++i) world.memory.put("recipient " + std::to_string(i), "text", 5);
    world.road->notice();
    world.quiet();
    world.answer("gateway", accepted());
    std::vector<std::size_t> limits;
    for (auto claims = world.memory.claims(); before < claims.size(); ++before)
      if (claims[before].look == Look::onward) limits.push_back(claims[before].limit);
    ASSERT_GE(limits.size(), 4u);
    limits.resize(4);
    EXPECT_EQ(limits, (std::vector<std::size_t>{64, 256, 500, 500})) << sweep;
  }
}

TEST(Road, SweepsTheQueueOnceForOneNewsAndThenLeavesItAlone) {
  World world({{"modem"}});
  world.start();
  std::size_t before = world.memory.calls(Op::claim);
  world.road->notice();
  world.quiet();
  EXPECT_EQ(world.memory.calls(Op::claim), before + 1);
  world.advance(10min);
  EXPECT_EQ(world.memory.calls(Op::claim), before + 1);
}

TEST(Road, LooksAgainWhenARecipientThatIsFreeNowHasMoreMessages) {
  World world({{"modem"}});
  world.memory.put("kari", "first");
  world.start();
  auto second = world.alert("kari", "second");
  EXPECT_EQ(world["modem"].handed.size(), 1u) << "she has an SMS on its way";
  world["modem"].sayAll(accepted());
  world.quiet();
  ASSERT_EQ(world["modem"].handed.size(), 2u);
  EXPECT_EQ(world["modem"].handed[1].sms.text, "second");
  world.answer("modem", accepted());
  EXPECT_EQ(world.sent(second), 'Y');
}

TEST(Road, LooksAtTheQueueEveryPollInterval) {
  config::Config config = quietConfig();
  config.queue.pollInterval = 30s;
  World world({{"modem"}}, config);
  world.start();
  for (int i = 0; i < 3; ++i) {
    auto id = world.memory.put("recipient " + std::to_string(i), "nobody said that it is here");
    world.advance(29s);
    EXPECT_EQ(world["modem"].out().size(), 0u);
    world.advance(1s);
    ASSERT_EQ(world["modem"].out().size(), 1u) << i;
    world.answer("modem", accepted());
    EXPECT_EQ(world.sent(id), 'Y');
  }
}

// Another supervisor's dispatchers may work.
TEST(Road, GivesBackWhatItHoldsWhileNoDispatcherCanBeUsed) {
  World world({{"modem"}});
  for (int i = 0; i < 3; ++i) world.memory.put("recipient " + std::to_string(i), "text");
  world.start();
  EXPECT_EQ(world.road->underWay(), 3u);
  world["modem"].sayAll(broken());
  world.quiet();
  EXPECT_EQ(world.road->underWay(), 0u);
  EXPECT_EQ(world.memory.count(queue::SentStatus::unsent), 3u);
  world.advance(2min);  // it is probed, and works: nobody was forgotten
  world.answer("modem", accepted());
  world.advance(2min);
  world.answer("modem", accepted());
  EXPECT_EQ(world.memory.count(queue::SentStatus::sent), 3u);
}

}  // namespace
}  // namespace smsd::road
