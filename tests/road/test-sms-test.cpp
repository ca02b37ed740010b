// SPDX-License-Identifier: GPL-3.0-or-later
// Test SMS on the whole road: past the queue, in the order of the dispatchers, with a result for each of
// them.
#include "supervisor/road/test-sms.h"

#include <gtest/gtest.h>

#include "tests/road/world.h"

namespace smsd::road {
namespace {

class TestSmsTest : public testing::Test {
 protected:
  void begin(const std::vector<Way>& ways) {
    world_ = std::make_unique<World>(ways);
    world_->start();
  }
  World& world() { return *world_; }

  void ask(const std::string& via = "", const std::string& text = "hello") {
    reports_.emplace_back();
    const std::size_t at = reports_.size() - 1;
    tasks_.push_back(world()
                         .road->testSms()
                         .run({"+4799887766", text, via})
                         .then([this, at](TestSmsReport report) { reports_[at] = std::move(report); })
                         .eagerlyEvaluate(nullptr));
    world().quiet();
  }
  void say(const std::string& name, const delivery::Outcome& outcome) {
    world()[name].sayAll(outcome);
    world().quiet();
  }
  std::string told(std::size_t at = 0) const {
    if (!reports_.at(at)) return "waits";
    if (!reports_[at]->problem.empty()) return reports_[at]->problem;
    std::string text;
    for (const auto& one : reports_[at]->tries)
      text += one.dispatcher + " " + (one.outcome ? std::string(name(*one.outcome)) : "not tried") + " [" +
              one.words + "] ";
    return text;
  }

  std::unique_ptr<World> world_;
  std::vector<std::optional<TestSmsReport>> reports_;
  std::vector<kj::Promise<void>> tasks_;
};

// C48: NAV said "SMS sent" whoever had taken it.
TEST_F(TestSmsTest, GoesInOrderUntilOneTakesItAndSaysWhatEachOneSaid) {
  begin({{"modem"}, {"gateway"}, {"mail"}});
  ask();
  EXPECT_EQ(told(), "waits");
  say("modem", deferred());
  say("gateway", accepted("ref-1"));
  EXPECT_EQ(told(), "modem deferred [busy] gateway accepted [ref-1] ");
  EXPECT_TRUE(reports_[0]->accepted());
  EXPECT_TRUE(world()["mail"].handed.empty());
  const auto& handed = world()["gateway"].handed.at(0);
  EXPECT_EQ(handed.sms.text, "hello");
  EXPECT_EQ(handed.recipient, "+4799887766");
  EXPECT_EQ(handed.key, world()["modem"].handed.at(0).key);
}

TEST_F(TestSmsTest, EachOutcomeButAcceptedGoesOnAndNothingIsTriedTwice) {
  begin({{"a"}, {"b"}, {"c"}, {"d"}});
  ask();
  say("a", refused());
  say("b", broken());
  say("c", unknown());
  say("d", deferred());
  EXPECT_EQ(told(), "a refused [no such number] b broken [no SIM] c unknown [cut off] d deferred [busy] ");
  EXPECT_FALSE(reports_[0]->accepted());
  world().advance(1h);
  for (const char* name : {"a", "b", "c", "d"}) EXPECT_EQ(world()[name].handed.size(), 1u) << name;
}

TEST_F(TestSmsTest, GoesThroughTheOneThatIsNamedAndNoOther) {
  begin({{"modem"}, {"gateway"}});
  ask("gateway");
  EXPECT_TRUE(world()["modem"].handed.empty());
  say("gateway", refused());
  EXPECT_EQ(told(), "gateway refused [no such number] ");
  ask("nobody");
  EXPECT_EQ(told(1), "there is no dispatcher nobody, expected one of modem, gateway");
}

TEST_F(TestSmsTest, TakesNoRowNoAttemptAndNoIdOfTheQueue) {
  begin({{"modem", 2}});
  ask();
  const auto id = world().alert("+471", "an alert");
  const auto& handed = world()["modem"].handed;
  ASSERT_EQ(handed.size(), 2u);
  EXPECT_TRUE(isIn(delivery::AttemptRange::testSms, handed[0].attempt));
  EXPECT_FALSE(isIn(delivery::AttemptRange::testSms, handed[1].attempt));
  say("modem", accepted());
  EXPECT_EQ(world().sent(id), 'Y');
  EXPECT_EQ(world().road->figures().sent(), 1u);
}

TEST_F(TestSmsTest, WaitsForRoomAndIsNextWhenThereIsSome) {
  begin({{"modem"}});
  world().alert("+471", "one");
  world().alert("+472", "two");
  ask();
  EXPECT_EQ(world().handedTo("modem"), (std::vector<std::string>{"+471"}));
  say("modem", accepted());
  EXPECT_EQ(world().handedTo("modem"), (std::vector<std::string>{"+471", "+4799887766"}));
  say("modem", accepted("7"));
  EXPECT_EQ(told(), "modem accepted [7] ");
  EXPECT_EQ(world().handedTo("modem").back(), "+472");
}

TEST_F(TestSmsTest, GivesUpOnOneThatStaysFullAndOnOneThatIsPaused) {
  begin({{"modem"}, {"gateway"}});
  world().alert("+471", "one");
  ask("modem");
  world().advance(29s);
  EXPECT_EQ(told(), "waits");
  world().advance(1s);
  EXPECT_EQ(told(), "modem not tried [its window was full for too long] ");
  world().road->dispatchers()[1].pause();
  ask("gateway");
  EXPECT_EQ(told(1), "gateway not tried [paused by the operator] ");
}

TEST_F(TestSmsTest, DoesNotWaitForOneThatRestsButForOneThatStarts) {
  begin({{"modem"}});
  for (int i = 0; i < 3; ++i) {
    ask();
    say("modem", deferred());
  }
  ask();
  EXPECT_EQ(told(3), "modem not tried [it is resting, tried again in 5s: busy] ");
  world()["modem"].start = FakeDispatcher::Start::silent;
  world().road->dispatchers()[0].restart("mended");
  world().quiet();
  ASSERT_TRUE(world().road->dispatchers()[0].state() == keeper::State::starting);
  ask();
  EXPECT_EQ(told(4), "waits");
  world()["modem"].ready();
  world().quiet();
  say("modem", accepted("9"));
  EXPECT_EQ(told(4), "modem accepted [9] ");
}

TEST_F(TestSmsTest, GivesUpOnOneThatNeverEndsItsStart) {
  begin({{"modem"}, {"gateway"}});
  world()["modem"].start = FakeDispatcher::Start::silent;
  world().road->dispatchers()[0].restart("mended");
  world().quiet();
  ask();
  world().advance(10min);
  ASSERT_TRUE(world().road->dispatchers()[0].state() == keeper::State::starting);
  EXPECT_TRUE(world()["gateway"].handed.empty());
  world().advance(10s);
  say("gateway", accepted("8"));
  EXPECT_EQ(told(), "modem not tried [it did not start in time] gateway accepted [8] ");
}

TEST_F(TestSmsTest, AWorkersDeathAndTheEndOfTheDaemonAreAnswers) {
  begin({{"modem", 2}});
  ask();
  world()["modem"].begin(world()["modem"].out().at(0));
  world()["modem"].die();
  world().quiet();
  EXPECT_EQ(told(), "modem unknown [the worker is gone: signal 9 (Killed)] ");
  world().advance(2s);
  ask();
  auto stopped = world().road->stop();
  world().quiet();
  EXPECT_EQ(told(1), "modem unknown [smsd stops] ");
  ask();
  EXPECT_EQ(told(2), "smsd stops");
}

TEST_F(TestSmsTest, IsBoundedInNumberNumberAndText) {
  begin({{"modem"}});
  for (std::size_t i = 0; i <= TestSms::mostAtOnce; ++i) ask();
  EXPECT_EQ(told(TestSms::mostAtOnce), "8 tests are under way, and no more are possible; try again later");
  EXPECT_EQ(world()["modem"].out().size(), 1u);
  auto problem = [this](TestSmsRequest request) {
    return world().road->testSms().run(std::move(request)).wait(world().io.waitScope).problem;
  };
  world().answer("modem", accepted());
  EXPECT_NE(problem({"", "text", ""}).find("1 to 64"), std::string::npos);
  EXPECT_NE(problem({std::string(65, '1'), "text", ""}).find("1 to 64"), std::string::npos);
  EXPECT_NE(problem({"+47\n1", "text", ""}).find("printable"), std::string::npos);
  EXPECT_NE(problem({"+47", "", ""}).find("the text"), std::string::npos);
  EXPECT_NE(problem({"+47", std::string(20000, 'x'), ""}).find("16384"), std::string::npos);
}

}  // namespace
}  // namespace smsd::road
