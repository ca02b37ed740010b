// SPDX-License-Identifier: GPL-3.0-or-later
// The canaries on the whole road: when they leave, what becomes of each result, and what bounds their cost.
#include "supervisor/watchkeeping/canary-watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "tests/road/world.h"

namespace smsd::watchkeeping {
namespace {

namespace fs = std::filesystem;
using road::accepted;
using road::broken;
using road::deferred;
using road::refused;
using road::unknown;

constexpr const char* canaryTo = "+4799887766";

class CanaryWatchTest : public testing::Test {
 protected:
  CanaryWatchTest() {
    setenv("TZ", "UTC0", 1);
    tzset();
    char pattern[] = "/tmp/smsd-canaries-XXXXXX";
    folder_ = mkdtemp(pattern);
    config_.canary.recipient = canaryTo;
    config_.canary.every = 1h;
    config_.canary.maxPerDay = 1000;
  }
  ~CanaryWatchTest() noexcept override {
    watch_ = nullptr;
    world_ = nullptr;
    fs::remove_all(folder_);
    unsetenv("TZ");
    tzset();
  }

  /// It is 07:00, and the first slot is at 07:30.
  void begin(const std::vector<road::Way>& ways) {
    ways_ = ways;
    world_ = std::make_unique<road::World>(ways, config_);
    world_->start();
    watch();
  }
  void watch() {
    watch_ = kj::heap<CanaryWatch>(world().timer, *world().road, world().log, folder_ / "canaries",
                                   [this]() { return wall(); });
    watch_->start();
    world().quiet();
  }
  /// Another run of smsd on the same state directory, at the same time.
  void restart() {
    epoch_ = wall();
    watch_ = nullptr;
    world_ = nullptr;
    begin(ways_);
  }
  WallTime wall() {
    const auto run = (world().timer.now() - kj::origin<kj::TimePoint>()) / kj::SECONDS;
    return epoch_ + std::chrono::seconds(run) + stepped_;
  }
  void reload(config::Config config) {
    config.dispatchers = config.dispatchers.empty() ? world().road->config().dispatchers : config.dispatchers;
    world().road->replace(std::move(config), {});
    watch_->reconfigured();
    world().quiet();
  }
  void stepClock(std::chrono::seconds by) {
    stepped_ += by;
    world().advance(1min);
  }

  road::World& world() { return *world_; }
  CanaryWatch& canaries() { return *watch_; }
  std::size_t handed(const std::string& name) { return world()[name].handed.size(); }
  std::size_t said(std::string_view words) { return world().story.count(words); }
  void say(const std::string& name, const delivery::Outcome& outcome) {
    world()[name].sayAll(outcome);
    world().quiet();
  }
  /// Time passes, and `name` accepts everything at once.
  void pass(Milliseconds time, const std::string& name) {
    for (auto step = 0min; step < time; step += 1min) {
      world().advance(1min);
      if (!world()[name].out().empty()) say(name, accepted());
    }
  }
  std::string told(kj::Promise<road::TestSmsReport>& run) {
    const auto report = run.wait(world().io.waitScope);
    std::string text = report.problem;
    for (const auto& one : report.tries)
      text += one.dispatcher + " " + (one.outcome ? std::string(name(*one.outcome)) : "not tried") + ";";
    return text;
  }
  std::string resultOf(const std::string& name) {
    const auto seen = canaries().of(name);
    return seen && seen->last ? std::string(nameOf(*seen->last)) : "none";
  }

  config::Config config_ = road::quietConfig();
  fs::path folder_;

 private:
  std::vector<road::Way> ways_;
  WallTime epoch_{std::chrono::sys_days(std::chrono::days(20'000)) + 7h};
  std::chrono::seconds stepped_{0};
  std::unique_ptr<road::World> world_;
  kj::Own<CanaryWatch> watch_;
};

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
    restart();
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
  world().advance(1h - 10s);  // "two" never ends
  world().advance(1min);
  EXPECT_EQ(resultOf("modem"), "not tried");
  EXPECT_EQ(canaries().of("modem")->last->words, "its window was full for too long");
}

TEST_F(CanaryWatchTest, ThereAreNeverTwoOfOneDispatcherWhateverTheInterval) {
  config_.canary.every = 10s;
  config_.canary.maxPerDay = 100'000;
  begin({{"modem", 8}});
  world().advance(10min);  // its deadline is much longer than the interval
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

TEST_F(CanaryWatchTest, AStopIsNoResult) {
  begin({{"modem"}});
  world().advance(30min);
  canaries().stop();
  auto stopped = world().road->stop();
  world().quiet();
  EXPECT_EQ(said("its canary"), 0u);
  EXPECT_EQ(resultOf("modem"), "none");
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
  pass(14h, "modem");  // it is past midnight
  EXPECT_EQ(handed("modem"), 5u);
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
  EXPECT_EQ(told(run), "there are no canaries: set canary.recipient in smsd.yaml");
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
