// SPDX-License-Identifier: GPL-3.0-or-later
// What becomes of an SMS: told again, waited for, given up, taken over.
#include <gtest/gtest.h>

#include "tests/road/world.h"

namespace smsd::road {
namespace {

using Names = std::vector<std::string>;
using queue::Fate;

TEST(Verdicts, ResendsTheUnknownThroughTheSameDispatcherWhereItsGatewayKnowsKeys) {
  World world({{"gateway", 4, 0, true}, {"modem"}});
  auto id = world.alert("kari", "router down");
  world.start();
  for (int i = 0; i < 2; ++i) {
    world["gateway"].sayAll(unknown());
    world.quiet();
  }
  const auto& handed = world["gateway"].handed;
  ASSERT_EQ(handed.size(), 3u);
  EXPECT_TRUE(world["modem"].handed.empty());
  for (std::size_t i = 1; i < handed.size(); ++i) {
    EXPECT_EQ(handed[i].key, handed[0].key);
    EXPECT_GT(handed[i].attempt, handed[i - 1].attempt);
    EXPECT_EQ(handed[i].sms.text, handed[0].sms.text);
  }
  world.answer("gateway", accepted());
  EXPECT_EQ(world.sent(id), 'Y');
}

TEST(Verdicts, TriesTheNextWhenTheSameOneKeepsNotKnowing) {
  World world({{"gateway", 4, 0, true}, {"modem"}});
  world.memory.put("kari", "router down");
  world.start();
  world.answer("gateway", unknown());
  EXPECT_EQ(world["gateway"].handed.size(), 3u);
  ASSERT_EQ(world["modem"].handed.size(), 1u);
  EXPECT_EQ(world["modem"].handed[0].key, world["gateway"].handed[0].key);
}

TEST(Verdicts, ResendsTheUnknownThroughTheNextWhereKeysAreNotKnown) {
  World world({{"modem"}, {"gateway", 4}});
  world.memory.put("kari", "router down");
  world.start();
  world["modem"].sayAll(unknown());
  world.quiet();
  EXPECT_EQ(world["modem"].handed.size(), 1u);
  EXPECT_EQ(world["gateway"].handed.size(), 1u);
}

TEST(Verdicts, ResendsTheUnknownThroughTheOnlyOneThereIsAndThenWaitsWithTheSameKeyAndText) {
  World world({{"modem"}});
  auto id = world.alert("kari", "router down");
  world.start();
  world.answer("modem", unknown());
  EXPECT_EQ(world["modem"].handed.size(), 3u);
  world.alert("kari", "more of the same");  // joins the next SMS, not this one
  world.advance(29s);
  EXPECT_EQ(world["modem"].handed.size(), 3u);
  world.advance(1s);
  ASSERT_EQ(world["modem"].handed.size(), 4u);
  EXPECT_EQ(world["modem"].handed[3].key, world["modem"].handed[0].key);
  EXPECT_EQ(world["modem"].handed[3].sms.text, "router down");
  world["modem"].sayAll(accepted());
  world.quiet();
  EXPECT_EQ(world.sent(id), 'Y');
  ASSERT_EQ(world["modem"].handed.size(), 5u);
  EXPECT_EQ(world["modem"].handed[4].sms.text, "more of the same");
  EXPECT_NE(world["modem"].handed[4].key, world["modem"].handed[0].key);
}

TEST(Verdicts, TakesWhatADeadWorkerHadBegunForUnknown) {
  World world({{"modem"}, {"gateway", 4}});
  world.memory.put("kari", "router down");
  world.start();
  world["modem"].begin(world["modem"].out().at(0));
  world["modem"].die();
  world.quiet();
  ASSERT_EQ(world.memory.recorded().size(), 1u);
  EXPECT_EQ(world.memory.recorded()[0].outcome, "unknown");
  EXPECT_EQ(world["gateway"].handed.size(), 1u);
}

TEST(Verdicts, RetriesWhatWasNotBegunThroughTheSameDispatcherAndDoesNotCountItAsTried) {
  World world({{"modem", 1, 1}, {"gateway", 4}});
  world.alert("ola", "served before");
  world.start();
  world["modem"].sayAll(accepted());
  world.quiet();
  world.alert("kari", "router down");
  world["modem"].die();
  world.quiet();  // one that had served is replaced at once
  ASSERT_EQ(world.handedTo("modem"), (Names{"ola", "kari", "kari"}));
  EXPECT_TRUE(world["gateway"].handed.empty());
  EXPECT_EQ(world.memory.recorded().at(0).outcome, "deferred");
  EXPECT_GT(world["modem"].handed[2].attempt, world["modem"].handed[1].attempt);

  world["modem"].sayAll(deferred());  // now it is tried
  world.quiet();
  EXPECT_EQ(world.handedTo("gateway"), Names{"kari"});
}

// What `systemctl restart` of a worker does: it gives back what it has not begun, finishes the rest, and
// ends.
TEST(Verdicts, GivesWhatAStoppingWorkerGaveBackToItsSuccessorAtOnceAndNobodyWaits) {
  World world({{"modem", 1, 3}});
  world.alert("ola", "served before");
  world.start();
  world["modem"].sayAll(accepted());
  world.quiet();
  for (auto name : {"kari", "per", "anne"}) world.alert(name, "router down");
  world.quiet();
  auto out = world["modem"].out();
  ASSERT_EQ(out.size(), 3u);
  world["modem"].begin(out[0]);
  world["modem"].giveBack({out[1], out[2]});
  world.quiet();
  world.advance(5s);
  EXPECT_EQ(world["modem"].handed.size(), 4u);  // it is not asked again
  world["modem"].say(out[0], accepted());
  world["modem"].die("exit status 0");
  world.quiet();
  EXPECT_EQ(world.handedTo("modem"), (Names{"ola", "kari", "per", "anne", "per", "anne"}));
  EXPECT_EQ(world.story.count("waits"), 0u);
}

TEST(Verdicts, AsksWorkersThatGiveBackForEverSeldomerEachTime) {
  World world({{"modem"}});
  world.alert("kari", "router down");
  world.start();
  for (int second = 0; second < 600; ++second) {
    if (!world["modem"].out().empty()) world["modem"].giveBack(world["modem"].out());
    world.quiet();
    world.advance(1s);
  }
  EXPECT_GE(world["modem"].handed.size(), 10u);
  EXPECT_LE(world["modem"].handed.size(), 20u);
  EXPECT_EQ(world.story.count("modem: resting"), 1u) << world.story.text();
}

TEST(Verdicts, IgnoresWhatEveryDispatcherRefusedAndKeepsTheReason) {
  World world({{"modem"}, {"gateway"}});
  auto id = world.alert("kari", "router down");
  world.start();
  world["modem"].sayAll(refused("bad number, says the modem"));
  world.quiet();
  EXPECT_EQ(world.sent(id), 'N');
  world["gateway"].sayAll(refused("bad number, says the gateway"));
  world.quiet();
  EXPECT_EQ(world.sent(id), 'I');
  auto settled = world.memory.settled();
  ASSERT_EQ(settled.size(), 1u);
  EXPECT_EQ(settled[0].fate, Fate::ignored);
  EXPECT_EQ(settled[0].outcome, "refused");
  EXPECT_EQ(settled[0].reason, "bad number, says the gateway");
  EXPECT_EQ(world.story.count("every dispatcher refused it"), 1u);
  EXPECT_EQ(world.road->figures().ignored(), 1u);
}

TEST(Verdicts, WaitsWhenOneRefusedAndAnotherCouldNot) {
  const std::vector<std::pair<delivery::Outcome, delivery::Outcome>> cases = {
      {refused(), deferred()}, {deferred(), refused()}, {refused(), broken()}, {broken(), refused()}};
  for (auto& [first, second] : cases) {
    SCOPED_TRACE(std::string(name(first.kind)) + ", then " + std::string(name(second.kind)));
    World world({{"modem"}, {"gateway"}});
    auto id = world.alert("kari", "router down");
    world.start();
    world["modem"].sayAll(first);
    world.quiet();
    world["gateway"].sayAll(second);
    world.quiet();
    EXPECT_EQ(world.sent(id), 'N');
    EXPECT_EQ(world.memory.settled().at(0).fate, Fate::returned);
    EXPECT_EQ(world.memory.settled().at(0).wait, quietConfig().retry.delay);
  }
}

TEST(Verdicts, WaitsLongerEachRoundAndGivesUpAtTheLimit) {
  config::Config config = quietConfig();
  config.retry.delay = 30s;
  config.retry.factor = 2;
  config.retry.maxDelay = 100s;
  config.retry.limit = 5;
  World world({{"modem"}, {"gateway"}}, config);
  auto id = world.alert("kari", "router down");
  world.start();
  for (Milliseconds wait : {30s, 60s, 100s, 100s}) {
    world.answer("modem", deferred());
    world.answer("gateway", deferred());
    std::size_t before = world["modem"].handed.size();
    world.advance(wait - 1ms);
    ASSERT_EQ(world["modem"].handed.size(), before) << wait.count();
    world.advance(1ms);
    ASSERT_EQ(world["modem"].handed.size(), before + 1) << wait.count();
  }
  EXPECT_EQ(world.sent(id), 'N');
  world.answer("modem", deferred());
  world.answer("gateway", deferred());
  EXPECT_EQ(world.sent(id), 'I');
  EXPECT_EQ(world.memory.settled().back().fate, Fate::ignored);
  EXPECT_EQ(world.story.count("no dispatcher accepted it in 5 rounds"), 1u);
  EXPECT_FALSE(world.road->limitReached().poll(world.io.waitScope));
}

TEST(Verdicts, AsksForTheEndAtTheLimitAndKeepsTheMessageWhenToldToShutDown) {
  config::Config config = quietConfig();
  config.retry.limit = 1;
  config.retry.atLimit = config::AtLimit::shutdown;
  World world({{"modem"}}, config);
  auto id = world.alert("kari", "router down");
  world.start();
  auto limit = world.road->limitReached();
  EXPECT_FALSE(limit.poll(world.io.waitScope));
  world["modem"].sayAll(deferred());
  world.quiet();
  EXPECT_TRUE(limit.poll(world.io.waitScope));
  EXPECT_EQ(world.sent(id), 'N');
}

// C21: without a limit NAV was silent for two hours. Each wait is an entry here, and the limit is nobody's
// but the user's.
TEST(Verdicts, NeverGivesUpWhereThereIsNoLimit) {
  config::Config config = quietConfig();
  config.retry.limit = 0;
  World world({{"modem"}}, config);
  auto id = world.alert("kari", "router down");
  world.start();
  for (int round = 0; round < 20; ++round) {
    world.answer("modem", deferred());
    world.advance(2h);
  }
  EXPECT_EQ(world.sent(id), 'N');
  EXPECT_GE(world["modem"].handed.size(), 20u);
}

TEST(Verdicts, WaitsAsLongAsTheGatewayAskedButNotBeyondMaxDelay) {
  const std::vector<std::pair<Milliseconds, Milliseconds>> cases = {{1s, 30s}, {2min, 2min}, {24h, 1h}};
  for (auto& [asked, waited] : cases) {
    World world({{"gateway"}});
    world.memory.put("kari", "router down");
    world.start();
    world.answer("gateway", deferred(asked));
    EXPECT_EQ(world.memory.settled().at(0).wait, waited) << asked.count();
  }
}

TEST(Verdicts, LetsNobodyElseWaitForARecipientThatWaits) {
  World world({{"gateway", 4}});
  auto waits = world.alert("kari", "router down");
  world.start();
  world.answer("gateway", deferred());
  auto other = world.alert("ola", "another one");
  EXPECT_EQ(world.handedTo("gateway"), (Names{"kari", "ola"}));
  world.answer("gateway", accepted());
  EXPECT_EQ(world.sent(other), 'Y');
  EXPECT_EQ(world.sent(waits), 'N');
  world.advance(30s);
  world.answer("gateway", accepted());
  EXPECT_EQ(world.sent(waits), 'Y');
}

TEST(Verdicts, FormatsAnewWhatCameMeanwhileWhenARecipientHasWaited) {
  World world({{"gateway", 4}});
  world.memory.put("kari", "first", 2);
  world.start();
  world.answer("gateway", deferred());
  world.alert("kari", "second", 1);
  world.advance(30s);
  ASSERT_EQ(world["gateway"].handed.size(), 2u);
  EXPECT_EQ(world["gateway"].handed[1].sms.text, "1: second; 2: first");
}

TEST(Verdicts, SendsAgainWithItsKeyWhatAPredecessorLeftOnItsWay) {
  World world({{"modem"}, {"gateway"}});
  auto left = world.memory.strand("kari", "router down", "gateway");
  world.start();
  ASSERT_EQ(world["modem"].handed.size(), 1u);
  EXPECT_EQ(world["modem"].handed[0].key, left.key);
  EXPECT_NE(world["modem"].handed[0].attempt, left.attempt);
  EXPECT_EQ(world["modem"].handed[0].sms.text, "router down");
  EXPECT_EQ(world.memory.recorded().at(0).outcome, "unknown");
  EXPECT_EQ(world.story.count("took over 1 SMS"), 1u);
  world.answer("modem", accepted());
  EXPECT_EQ(world.memory.count(queue::SentStatus::sent), 1u);
}

TEST(Verdicts, TakesOverWhatAnotherSupervisorLeavesLater) {
  World world({{"modem"}});
  world.start();
  world.memory.strand("kari", "router down", "elsewhere");
  world.advance(15s);  // half a lease: the heartbeat looks for the dead
  EXPECT_EQ(world.handedTo("modem"), Names{"kari"});
}

TEST(Verdicts, BelievesAWorkerThatOutlivedTheSupervisorAndSendsNothingAgain) {
  World world({{"modem", 1, 0, false, config::Activation::socket}, {"gateway"}});
  auto left = world.memory.strand("kari", "router down", "modem");
  world["modem"].remembers[left.attempt] = accepted("17");
  world.start();
  world.advance(1s);
  EXPECT_TRUE(world["modem"].handed.empty());
  EXPECT_TRUE(world["gateway"].handed.empty());
  EXPECT_EQ(world.memory.count(queue::SentStatus::sent), 1u);
  EXPECT_EQ(world.memory.settled().at(0).reference, "17");
}

TEST(Verdicts, SendsAgainWhatAPredecessorLeftWithADispatcherThatIsNotConfiguredAnyMore) {
  World world({{"modem"}});
  auto left = world.memory.strand("kari", "router down", "sold");
  world.start();
  ASSERT_EQ(world["modem"].handed.size(), 1u);
  EXPECT_EQ(world["modem"].handed[0].key, left.key);
}

}  // namespace
}  // namespace smsd::road
