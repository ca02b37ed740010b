// SPDX-License-Identifier: GPL-3.0-or-later
// What bounds the cost of canaries: over restarts, crashes, steps of the clock and operators.
#include "tests/road/canary-bench.h"

namespace smsd::watchkeeping {
namespace {

TEST_F(CanaryWatchTest, ThereAreNeverTwoOfOneDispatcherWhateverTheInterval) {
  config_.canary.every = 10s;
  config_.canary.maxPerDay = 100'000;
  begin({{"modem", 8}});
  world().advance(50s);  // its deadline is longer than the interval
  EXPECT_EQ(world()["modem"].out().size(), 1u);
  EXPECT_EQ(handed("modem"), 1u);
  auto run = canaries().runNow("modem");
  EXPECT_EQ(told(run), "a canary of modem is under way");
  say("modem", accepted());
  EXPECT_EQ(handed("modem"), 2u) << "the next one, and none of those that were missed";
  EXPECT_EQ(world()["modem"].out().size(), 1u);
}

TEST_F(CanaryWatchTest, NoMoreThanFourAreUnderWayAndTheOthersFollow) {
  begin({{"a"}, {"b"}, {"c"}, {"d"}, {"e"}, {"f"}});
  world().advance(30min);
  const auto out = [this]() {
    std::size_t all = 0;
    for (const char* name : {"a", "b", "c", "d", "e", "f"}) all += world()[name].out().size();
    return all;
  };
  EXPECT_EQ(out(), CanaryWatch::mostAtOnce);
  say("a", accepted());
  EXPECT_EQ(handed("e"), 1u);
  for (const char* name : {"b", "c", "d", "e", "f"}) say(name, accepted());
  EXPECT_EQ(handed("f"), 1u);
  EXPECT_EQ(said("accepted its canary"), 6u);
}

TEST_F(CanaryWatchTest, ARestartSendsNoneAgainAndKeepsTheResult) {
  begin({{"modem"}});
  world().advance(30min);
  say("modem", refused());
  for (int i = 0; i < 5; ++i) {
    restart();
    world().advance(1min);
    EXPECT_EQ(handed("modem"), 0u);
    EXPECT_EQ(resultOf("modem"), "refused");
    EXPECT_EQ(canaries().of("modem")->last->words, "no such number");
    EXPECT_TRUE(canaries().of("modem")->failing);
  }
  world().advance(1h - 5min - 1s);
  EXPECT_EQ(handed("modem"), 0u);
  world().advance(1s);
  EXPECT_EQ(handed("modem"), 1u);
}

TEST_F(CanaryWatchTest, ACrashWhileOneIsUnderWaySendsNoneAgain) {
  begin({{"modem"}});
  world().advance(30min);
  ASSERT_EQ(handed("modem"), 1u);
  restart();
  world().advance(10min);
  EXPECT_EQ(handed("modem"), 0u);
}

TEST_F(CanaryWatchTest, NoneLeavesWhileItsRecordCannotBeKept) {
  fs::create_directory(folder_ / "canaries.new");
  begin({{"modem"}});
  world().advance(2h);
  EXPECT_EQ(handed("modem"), 0u);
  EXPECT_EQ(said("the records of the canaries cannot be kept, so no canary is sent"), 1u);
  auto run = canaries().runNow("modem");
  EXPECT_NE(told(run).find("its record cannot be stored"), std::string::npos);
  fs::remove(folder_ / "canaries.new");
  world().advance(1min);
  EXPECT_EQ(handed("modem"), 1u);
}

TEST_F(CanaryWatchTest, NoneLeavesWhileTheRecordsCannotBeRead) {
  fs::create_directory(folder_ / "canaries");
  begin({{"modem"}});
  world().advance(2h);
  EXPECT_EQ(handed("modem"), 0u);
  EXPECT_EQ(said("the records of the canaries cannot be kept"), 1u);
  fs::remove(folder_ / "canaries");
  world().advance(1min);
  EXPECT_EQ(handed("modem"), 1u);
}

TEST_F(CanaryWatchTest, TheBoundOfADayHoldsOverRestartsAndForOperators) {
  config_.canary.maxPerDay = 3;
  begin({{"modem"}});
  pass(1h, "modem");
  EXPECT_EQ(said("accepted its canary"), 1u);
  restart();
  pass(3h, "modem");
  EXPECT_EQ(handed("modem"), 2u);
  EXPECT_EQ(said("today's 3 canaries are used up"), 1u);
  auto run = canaries().runNow("");
  EXPECT_EQ(told(run), "today's 3 canaries are used up: see canary.max_per_day");
  pass(14h, "modem");  // until 01:00: one for all that were missed, and that of 00:30
  EXPECT_EQ(handed("modem"), 4u);
}

TEST_F(CanaryWatchTest, OneThatDoesNotLeaveIsTakenFromTheDayThatCountedItAlone) {
  config_.canary.maxPerDay = 2;
  config_.canary.every = 24h;
  begin({{"modem"}, {"gateway"}});
  world().alert("+471", "one");  // the modem's window is full, and stays so
  stepClock(30min - 1min);
  ASSERT_EQ(world().handedTo("modem"), std::vector<std::string>{"+471"});
  ASSERT_EQ(handed("gateway"), 1u);
  say("gateway", accepted());
  shiftClock(24h);            // and the modem's one gives up on the day after
  canaries().reconfigured();  // it looks, and the slot of this day is over
  world().quiet();
  say("gateway", accepted());
  world().advance(1min);
  ASSERT_EQ(resultOf("modem"), "not tried");
  auto second = canaries().runNow("gateway");
  world().quiet();
  say("gateway", accepted());
  ASSERT_EQ(handed("gateway"), 3u) << "two of them on this day";
  auto third = canaries().runNow("gateway");
  world().quiet();
  EXPECT_EQ(handed("gateway"), 3u);
}

TEST_F(CanaryWatchTest, AStepOfTheClockByTwoHoursSendsOneAtMost) {
  config_.canary.every = 24h;
  begin({{"modem"}});
  stepClock(2h);  // 09:01, and 07:30 is over
  EXPECT_EQ(handed("modem"), 1u);
  say("modem", accepted());
  stepClock(-2h);
  world().advance(2h);  // 07:30 again
  EXPECT_EQ(handed("modem"), 1u);
  stepClock(-2h);
  world().advance(3h);  // and again
  EXPECT_EQ(handed("modem"), 1u);
  world().advance(24h);
  EXPECT_EQ(handed("modem"), 2u);
}

TEST_F(CanaryWatchTest, WithoutARecipientThereAreNoneAndNoFile) {
  config_.canary.recipient.clear();
  begin({{"modem"}});
  world().advance(48h);
  EXPECT_EQ(handed("modem"), 0u);
  EXPECT_TRUE(fs::is_empty(folder_));
}

}  // namespace
}  // namespace smsd::watchkeeping
