// SPDX-License-Identifier: GPL-3.0-or-later
// Answers that are not understood: the SMS goes out once more and is then held, whatever comes in between;
// and a dispatcher that understands nothing does not send a whole queue twice.
#include <gtest/gtest.h>

#include "tests/road/world.h"

namespace smsd::road {
namespace {

using Names = std::vector<std::string>;
using queue::Fate;

std::vector<Fate> fates(World& world) {
  std::vector<Fate> all;
  for (auto& settlement : world.memory.settled()) all.push_back(settlement.fate);
  return all;
}

TEST(NotUnderstood, GoesOutOnceMoreThroughTheNextDispatcherAndIsSentWhereThatTakesIt) {
  World world({{"gateway", 4, 0, true}, {"modem"}});
  auto id = world.alert("kari", "router down");
  world.start();
  world["gateway"].sayAll(unread());
  world.quiet();
  EXPECT_EQ(world["gateway"].handed.size(), 1u) << "the same one would not understand it either, key or not";
  ASSERT_EQ(world["modem"].handed.size(), 1u);
  EXPECT_EQ(world["modem"].handed[0].key, world["gateway"].handed[0].key);
  EXPECT_EQ(world.memory.recorded().at(0).outcome, "not-understood");
  world.answer("modem", accepted());
  EXPECT_EQ(world.sent(id), 'Y');
}

TEST(NotUnderstood, GoesOutOnceMoreThroughTheOnlyDispatcherAndIsThenHeld) {
  World world({{"gateway", 4}});
  auto id = world.alert("kari", "router down");
  world.start();
  world.answer("gateway", unread());
  world.advance(10min);
  EXPECT_EQ(world["gateway"].handed.size(), 2u);
  EXPECT_EQ(fates(world), std::vector{Fate::held});
  EXPECT_EQ(world.memory.settled().at(0).outcome, "not-understood");
  EXPECT_EQ(world.sent(id), 'N');
  EXPECT_EQ(world.story.count("may have been sent and is held"), 1u);
}

TEST(NotUnderstood, IsHeldAfterItsRepetitionWhateverNobodyKnowsOfThat) {
  for (auto& second : {unread(), unknown()}) {
    World world({{"gateway", 4}, {"modem"}});
    world.alert("kari", "router down");
    world.start();
    world["gateway"].sayAll(unread());
    world.quiet();
    world.answer("modem", second);
    world.advance(10min);
    EXPECT_EQ(world["gateway"].handed.size() + world["modem"].handed.size(), 2u);
    EXPECT_EQ(fates(world), std::vector{Fate::held});
  }
}

TEST(NotUnderstood, IsRepeatedLaterWhereTheNextDispatcherCertainlyDidNotSendIt) {
  World world({{"gateway", 4}, {"modem"}});
  auto id = world.alert("kari", "router down");
  world.start();
  world["gateway"].sayAll(unread());
  world.quiet();
  world.answer("modem", deferred());
  world.advance(30s);
  world["gateway"].sayAll(unread());
  world.quiet();
  EXPECT_EQ(world["gateway"].handed.size(), 2u);
  EXPECT_EQ(fates(world), std::vector{Fate::held});
  EXPECT_EQ(world.sent(id), 'N');
}

TEST(NotUnderstood, WaitsForTheNextDispatcherWhileThatStarts) {
  for (bool comes : {true, false}) {
    World world({{"gateway", 4}, {"modem"}});
    world["modem"].start = FakeDispatcher::Start::silent;
    auto id = world.alert("kari", "router down");
    world.start();
    world["gateway"].sayAll(unread());
    world.quiet();
    EXPECT_EQ(world["gateway"].handed.size(), 1u);
    EXPECT_TRUE(fates(world).empty());
    if (comes) {
      world["modem"].ready();
      world.quiet();
      world.answer("modem", accepted());
      EXPECT_EQ(world.sent(id), 'Y');
      EXPECT_EQ(world["gateway"].handed.size(), 1u);
      continue;
    }
    world["modem"].start = FakeDispatcher::Start::fails;
    world["modem"].die("exit status 78 (configuration)");
    world.advance(30s);
    ASSERT_EQ(world["gateway"].handed.size(), 2u) << "there is no other";
    world["gateway"].sayAll(unread());
    world.quiet();
    EXPECT_EQ(fates(world), std::vector{Fate::held});
  }
}

TEST(NotUnderstood, IsHeldAtOnceWhereThatIsThePolicy) {
  config::Config config = quietConfig();
  config.retry.unknown = config::UnknownPolicy::hold;
  World world({{"gateway", 4}, {"modem"}}, config);
  world.alert("kari", "router down");
  world.start();
  world.answer("gateway", unread());
  EXPECT_EQ(world["gateway"].handed.size(), 1u);
  EXPECT_TRUE(world["modem"].handed.empty());
  EXPECT_EQ(fates(world), std::vector{Fate::held});
}

TEST(NotUnderstood, IsNotRepeatedASecondTimeByTheNextSupervisor) {
  for (auto dispatcher : {"gateway", "sold"}) {
    World world({{"gateway", 4}, {"modem"}});
    world.memory.strand("kari", "router down", dispatcher, 1);
    world.start();
    world.advance(10min);
    EXPECT_TRUE(world["gateway"].handed.empty()) << dispatcher;
    EXPECT_TRUE(world["modem"].handed.empty()) << dispatcher;
    EXPECT_EQ(fates(world), std::vector{Fate::held}) << dispatcher;
  }
}

TEST(NotUnderstood, IsWhatAWorkerThatOutlivedItsSupervisorRemembers) {
  World world({{"modem", 1, 0, false, config::Activation::socket}});
  auto left = world.memory.strand("kari", "router down", "modem");
  world["modem"].remembers[left.attempt] = unread();
  world.start();
  world.advance(1s);
  EXPECT_EQ(world.memory.recorded().at(0).outcome, "not-understood");
  world.answer("modem", unread());
  EXPECT_EQ(world["modem"].handed.size(), 1u) << "the predecessor's was the first";
  EXPECT_EQ(fates(world), std::vector{Fate::held});
}

TEST(NotUnderstood, RestsNoDispatcherThatUnderstandsOthers) {
  World world({{"gateway"}});
  world.start();
  for (int i = 0; i < 10; ++i) {
    world.alert("kari", "with \"quotes\"");
    world.quiet();
    world.answer("gateway", unread());
    world.alert("ola", "without");
    world.quiet();
    world.answer("gateway", accepted());
  }
  EXPECT_EQ(world["gateway"].handed.size(), 30u);
  EXPECT_EQ(world.road->dispatchers()[0].state(), keeper::State::ready);
  EXPECT_EQ(world.road->dispatchers()[0].notUnderstood().answers, 20u);
  EXPECT_EQ(world.story.count("does not cover an answer"), 1u) << world.story.text();
}

// What it has not sent waits for a mended configuration, and the most severe goes out as a probe now and
// then.
TEST(NotUnderstood, BreaksADispatcherThatUnderstandsNothingBeforeAWholeQueueIsSentTwice) {
  World world({{"gateway", 8}});
  for (int i = 0; i < 100; ++i) world.memory.put("nr" + std::to_string(i), "down", 5);
  world.start();
  world.answer("gateway", unread());
  EXPECT_EQ(world["gateway"].handed.size(), 8u);
  EXPECT_EQ(world.road->dispatchers()[0].state(), keeper::State::broken);
  EXPECT_EQ(world.story.count("gateway: broken"), 1u) << world.story.text();
  world.alert("kari", "severe", 1);
  world.advance(5s);
  EXPECT_EQ(world.handedTo("gateway").back(), "kari");
  EXPECT_EQ(world["gateway"].handed.size(), 9u);
  world.answer("gateway", unread());
  EXPECT_EQ(world["gateway"].handed.size(), 9u) << "held, and not sent once more";

  world.road->dispatchers()[0].restart("an operator mended it");
  world.quiet();
  while (!world["gateway"].out().empty()) {
    world["gateway"].sayAll(accepted());
    world.quiet();
  }
  EXPECT_EQ(world.memory.count(queue::SentStatus::sent), 92u);
  EXPECT_EQ(world.road->dispatchers()[0].notUnderstood().answers, 0u);
}

}  // namespace
}  // namespace smsd::road
