// SPDX-License-Identifier: GPL-3.0-or-later
// When canaries leave, and what becomes of each result.
#include "supervisor/watchkeeping/canary-watch.h"

#include "tests/road/canary-bench.h"

namespace smsd::watchkeeping {
namespace {

TEST_F(CanaryWatchTest, LeaveAtTheirHourThroughEachDispatcherAndAreNoRow) {
  begin({{"modem"}, {"gateway"}});
  EXPECT_EQ(canaries().of("modem")->nextIn, 30min);
  world().advance(30min - 1s);
  EXPECT_EQ(handed("modem") + handed("gateway"), 0u);
  world().advance(1s);
  for (const char* name : {"modem", "gateway"}) {
    ASSERT_EQ(handed(name), 1u) << name;
    EXPECT_EQ(world()[name].handed[0].recipient, canaryTo);
    EXPECT_EQ(world()[name].handed[0].sms.text, std::string("canary of smsd through ") + name);
    EXPECT_TRUE(isIn(delivery::AttemptRange::testSms, world()[name].handed[0].attempt));
  }
  world().advance(2s);
  say("modem", accepted("ref-7"));
  EXPECT_EQ(said("modem: accepted its canary in 2000 ms, reference ref-7"), 1u);
  const auto seen = canaries().of("modem");
  EXPECT_EQ(nameOf(*seen->last), "accepted");
  EXPECT_EQ(seen->last->took, 2s);
  EXPECT_EQ(seen->last->words, "ref-7");
  EXPECT_FALSE(seen->failing);
  EXPECT_EQ(seen->counts.accepted, 1u);
  EXPECT_EQ(seen->nextIn, 1h - 2s);
  EXPECT_EQ(world().road->figures().sent(), 0u);
  EXPECT_EQ(world().road->dispatchers()[0].counts().accepted, 1u) << "counted in its health";
  say("gateway", accepted());
  world().advance(1h);
  EXPECT_EQ(handed("modem"), 2u);
}

TEST_F(CanaryWatchTest, AnOutcomeOtherThanAcceptedIsAFailureUntilAnSmsIsAccepted) {
  for (const auto& [outcome, word] : {std::pair(refused(), "refused"),
                                      {deferred(), "deferred"},
                                      {broken(), "broken"},
                                      {unknown(), "unknown"}}) {
    begin({{"modem"}});
    world().advance(30min);
    say("modem", outcome);
    EXPECT_TRUE(canaries().of("modem")->failing) << word;
    EXPECT_EQ(resultOf("modem"), word);
    EXPECT_EQ(said(std::string("modem: its canary was ") + word), 1u);
    world().road->dispatchers()[0].resume();
    world().alert("+471", "an alert");
    say("modem", accepted());
    EXPECT_FALSE(canaries().of("modem")->failing) << word;
    EXPECT_EQ(resultOf("modem"), word) << "the result stays";
    fs::remove(folder_ / "canaries");
  }
}

TEST_F(CanaryWatchTest, OneThatCannotBeTriedHasFailedIsLoggedOnceAndIsTriedAgain) {
  begin({{"modem"}});
  world().advance(29min);
  for (int i = 0; i < 3; ++i) {  // its breaker opens
    auto run = world().road->testSms().run({"+471", "x", ""});
    world().quiet();
    world()["modem"].took = 10s;
    say("modem", deferred());
    run.wait(world().io.waitScope);
  }
  ASSERT_TRUE(world().road->dispatchers()[0].state() == keeper::State::resting);
  world()["modem"].start = road::FakeDispatcher::Start::fails;
  world().road->dispatchers()[0].restart("mended");
  world().advance(1min);
  EXPECT_EQ(resultOf("modem"), "not tried");
  EXPECT_TRUE(canaries().of("modem")->failing);
  EXPECT_EQ(said("its canary was not tried"), 1u);
  EXPECT_EQ(canaries().of("modem")->nextIn, 0s) << "it remains due";
  world().advance(25min);
  EXPECT_EQ(said("its canary was not tried"), 1u) << "of the same slot";
  world()["modem"].start = road::FakeDispatcher::Start::ready;
  world().advance(25min);
  say("modem", accepted());
  EXPECT_EQ(resultOf("modem"), "accepted");
  EXPECT_FALSE(canaries().of("modem")->failing);
}

TEST_F(CanaryWatchTest, APausedDispatcherHasNoneUntilItIsResumed) {
  begin({{"modem"}});
  world().road->dispatchers()[0].pause();
  world().advance(3h);
  EXPECT_EQ(handed("modem"), 0u);
  EXPECT_EQ(resultOf("modem"), "none");
  world().road->dispatchers()[0].resume();
  world().advance(1min);
  EXPECT_EQ(handed("modem"), 1u) << "one for all that were due";
  say("modem", accepted());
  world().advance(1min);
  EXPECT_EQ(handed("modem"), 1u);
}

TEST_F(CanaryWatchTest, ADispatcherThatHasUsedUpItsDayHasNone) {
  begin({{.name = "modem", .quota = {1, 0, 1}}});
  world().alert("+471", "an alert");
  say("modem", accepted());
  world().advance(1h);
  EXPECT_EQ(world().handedTo("modem"), (std::vector<std::string>{"+471"}));
  EXPECT_EQ(resultOf("modem"), "none");
}

TEST_F(CanaryWatchTest, AFullWindowThatMovesIsNoFailureAndOneThatHangsIs) {
  begin({{"modem"}});
  world().advance(30min - 1s);
  world().alert("+471", "one");
  world().alert("+472", "two");
  world().advance(1s);
  EXPECT_EQ(world().handedTo("modem"), (std::vector<std::string>{"+471"}));
  say("modem", accepted());
  EXPECT_EQ(world().handedTo("modem").back(), canaryTo) << "it takes the next place";
  say("modem", accepted());
  EXPECT_EQ(resultOf("modem"), "accepted");
  say("modem", accepted());
  world().advance(1h - 1s);
  world().alert("+473", "three");  // it does not end
  world().advance(31s);
  EXPECT_EQ(resultOf("modem"), "not tried");
  EXPECT_EQ(canaries().of("modem")->last->words, "its window was full for too long");
}

TEST_F(CanaryWatchTest, ItsWordsHaveNoPartOfItsNumberAlsoNotInAReference) {
  begin({{"modem"}});
  world().advance(30min);
  say("modem", {delivery::OutcomeKind::accepted, "to 99887766, id 4711", {}});
  EXPECT_EQ(canaries().of("modem")->last->words, "to (recipient), id 4711");
  EXPECT_EQ(said("99887766"), 0u);
}

TEST_F(CanaryWatchTest, AStopIsNoResult) {
  begin({{"modem"}});
  world().advance(30min);
  canaries().stop();
  auto stopped = world().road->stop();
  world().quiet();
  EXPECT_EQ(said("its canary"), 0u);
  EXPECT_EQ(resultOf("modem"), "none");
}

TEST_F(CanaryWatchTest, AnOperatorSendsOneNowAndHearsItsResult) {
  config_.dispatchers.clear();
  begin({{"modem"}, {"gateway"}});
  auto run = canaries().runNow("gateway");
  world().quiet();
  say("gateway", deferred());
  EXPECT_EQ(told(run), "gateway deferred;");
  EXPECT_TRUE(canaries().of("gateway")->failing);
  auto all = canaries().runNow("");
  world().quiet();
  say("gateway", accepted());
  say("modem", accepted());
  EXPECT_EQ(told(all), "modem accepted;gateway accepted;");
  EXPECT_FALSE(canaries().of("gateway")->failing);
  auto nobody = canaries().runNow("nobody");
  EXPECT_EQ(told(nobody), "there is no dispatcher nobody, expected one of modem, gateway");
}

TEST_F(CanaryWatchTest, AnOperatorWhoGoesAwayLeavesTheResult) {
  begin({{"modem"}});
  {
    auto run = canaries().runNow("modem");
    world().quiet();
  }
  say("modem", accepted());
  EXPECT_EQ(resultOf("modem"), "accepted");
}

TEST_F(CanaryWatchTest, AReloadChangesTheHourAndWhoHasAny) {
  begin({{"modem"}, {"gateway"}});
  auto config = config_;
  config.canary.at = "07:10";
  config.dispatchers = world().road->config().dispatchers;
  config.dispatchers[1].canary.enabled = false;
  reload(config);
  EXPECT_FALSE(canaries().of("gateway"));
  world().advance(10min);
  EXPECT_EQ(handed("modem"), 1u);
  say("modem", accepted());
  config.canary.recipient.clear();
  reload(config);
  EXPECT_FALSE(canaries().of("modem"));
  auto run = canaries().runNow("");
  EXPECT_EQ(told(run),
            "there are no canaries: set canary.recipient in smsd.yaml, for all or for one dispatcher");
  world().advance(5h);
  EXPECT_EQ(handed("modem") + handed("gateway"), 1u);
  config.canary.recipient = canaryTo;
  config.dispatchers[1].canary = {.enabled = true, .recipient = "+4711", .at = "12:30", .every = 24h};
  reload(config);
  world().advance(30min);
  EXPECT_EQ(world().handedTo("gateway"), (std::vector<std::string>{"+4711"}));
}

TEST_F(CanaryWatchTest, AReloadThatRemovesItsDispatcherWhileOneIsUnderWayIsNoFailure) {
  begin({{"modem"}, {"gateway"}});
  world().advance(30min);
  auto config = config_;
  config.dispatchers = {world().road->config().dispatchers[0]};
  reload(config);
  say("gateway", deferred());
  say("modem", accepted());
  EXPECT_FALSE(canaries().of("gateway"));
  EXPECT_EQ(said("its canary was"), 0u);
}

}  // namespace
}  // namespace smsd::watchkeeping
