// SPDX-License-Identifier: GPL-3.0-or-later
// The database's clock is stepped: nobody waits for longer than a wait can be, and how long a recipient has
// failed is kept.
#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue {

namespace {

class Clock : public QueueSuite {
 protected:
  /// One recipient that failed for `failing`, and waits.
  void wait(const std::string& phone, Duration wait, std::optional<Duration> failing = std::nullopt,
            int rounds = 1) {
    store().put({.phone = phone, .severity = 3});
    auto settlement = returned(claim().submissions.at(0), wait);
    settlement.rounds = rounds;
    settlement.failing = failing;
    queue().settle({settlement});
  }
  ClaimResult claimWithin(Duration longestWait) {
    auto wanted = request();
    wanted.longestWait = longestWait;
    return queue().claim(wanted);
  }
};
SMSD_FOR_EACH_BACKEND(Clock);

/// Since then, give or take how long a test takes.
void expectAbout(const std::optional<Duration>& found, Duration expected) {
  ASSERT_TRUE(found.has_value());
  EXPECT_GE(*found, expected - 1s) << "the clock of a virtual machine is set back a little now and then";
  EXPECT_LT(*found, expected + 1min);
}

}  // namespace

TEST_P(Clock, RecipientsThatWaitAreSentWhicheverWayItIsStepped) {
  for (auto step : {2h, -2h}) {
    std::vector<Settlement> waits;
    for (int i = 0; i < 10; ++i) store().put({.phone = std::to_string(i)});
    for (const auto& submission : claim().submissions) waits.push_back(returned(submission, 200ms));
    ASSERT_EQ(waits.size(), 10u);
    queue().settle(waits);
    store().step(step);
    std::vector<Settlement> done;
    EXPECT_TRUE(eventually([&] {
      for (const auto& submission : claim().submissions) {
        EXPECT_EQ(submission.rounds, 1) << "it is not forgotten what they have been through";
        done.push_back(accepted(submission));
      }
      return done.size() == 10;
    })) << step.count();
    EXPECT_EQ(queue().settle(done).sent, 10u);
  }
}

TEST_P(Clock, AWaitThatIsLongerThanAnyIsOver) {
  wait("1", 2h);
  EXPECT_TRUE(claimWithin(3h).submissions.empty());
  EXPECT_TRUE(claimWithin(2h).submissions.empty());
  EXPECT_EQ(claimWithin(1h).submissions.size(), 1u);
}

TEST_P(Clock, AWaitGoesOnWhenTheClockIsSetBackASecond) {
  wait("1", 2h);
  store().step(-1s);
  EXPECT_TRUE(claimWithin(2h).submissions.empty());
  const auto id = std::stoll(store().one("SELECT id FROM smsq"));
  EXPECT_FALSE(queue().explain(id, 2h)->waitsUntil.empty());
  store().step(-3s);
  EXPECT_TRUE(queue().explain(id, 2h)->waitsUntil.empty());
  EXPECT_EQ(claimWithin(2h).submissions.size(), 1u);
}

TEST_P(Clock, TheNextDueIsNeverFurtherAwayThanAWaitCanBe) {
  wait("1", 2h);
  EXPECT_GT(claimWithin(2h).nextDue.value_or(0h), Duration(119min));
  claimWithin(2h);
  store().sql("UPDATE " + store().own("wait") + " SET recipient = 'somebody else'");
  store().put({.phone = "somebody else"});
  EXPECT_LE(claimWithin(2h).nextDue.value_or(9h), Duration(2h));
}

TEST_P(Clock, TheWaitOfARecipientIsToldAsItIs) {
  wait("1", 30min, 90min, 7);
  const auto id = std::stoll(store().one("SELECT id FROM smsq"));
  auto life = queue().explain(id, 1h);
  ASSERT_TRUE(life.has_value());
  EXPECT_EQ(life->rounds, 7);
  EXPECT_EQ(life->failingSince.size(), std::string("2026-01-01 00:00:00").size()) << life->failingSince;
  EXPECT_FALSE(life->waitsUntil.empty());
  expectAbout(life->failing, 90min);
  EXPECT_TRUE(queue().explain(id, 1min)->waitsUntil.empty()) << "it may be claimed now";
  store().step(-2h);
  life = queue().explain(id, 1h);
  EXPECT_TRUE(life->waitsUntil.empty()) << "it may be claimed now";
  EXPECT_EQ(life->failing, Duration(0)) << "not less than nothing";
}

// --- since when a recipient fails

TEST_P(Clock, KeepsSinceWhenARecipientFailsOverWaitsAndRestarts) {
  wait("1", 1ms, 3h, 4);
  crashAndComeBack();
  std::vector<Submission> claimed;
  ASSERT_TRUE(eventually([&] { return !(claimed = claim().submissions).empty(); }));
  expectAbout(claimed[0].failing, 3h);
  crashAndComeBack();
  auto adopted = queue().takeOver();
  ASSERT_EQ(adopted.size(), 1u);
  expectAbout(adopted[0].failing, 3h);
  EXPECT_EQ(adopted[0].rounds, 4);
}

TEST_P(Clock, CountsTheTimeThatItWaitedToo) {
  wait("1", 1ms, 0ms);
  store().step(1h);
  std::vector<Submission> claimed;
  ASSERT_TRUE(eventually([&] { return !(claimed = claim().submissions).empty(); }));
  expectAbout(claimed[0].failing, 1h);
}

TEST_P(Clock, HasNothingToSayOfARecipientOfWhichNoFailureCounted) {
  wait("1", 1ms, std::nullopt, 0);
  std::vector<Submission> claimed;
  ASSERT_TRUE(eventually([&] { return !(claimed = claim().submissions).empty(); }));
  EXPECT_EQ(claimed[0].failing, std::nullopt);
}

TEST_P(Clock, ForgetsItWithTheRounds) {
  wait("1", 1h, 3h, 4);
  store().put({.phone = "1", .text = "critical", .severity = 1});
  auto claimed = claim().submissions;
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_EQ(claimed[0].rounds, 0);
  EXPECT_EQ(claimed[0].failing, std::nullopt);
  queue().settle({accepted(claimed[0])});
  store().put({.phone = "1"});
  EXPECT_EQ(claim().submissions.at(0).failing, std::nullopt);
}

TEST_P(Clock, KeepsWhatAnAttemptBringsForWhoeverTakesOver) {
  store().put({.phone = "1"});
  store().put({.phone = "2"});
  auto claimed = claim().submissions;
  ASSERT_EQ(claimed.size(), 2u);
  queue().recordAttempts(
      {{.id = claimed[0].id,
        .outcome = "unknown",
        .reason = "",
        .dispatcher = "gateway",
        .rounds = 3,
        .failing = 20min},
       {.id = claimed[1].id, .outcome = "deferred", .reason = "", .dispatcher = "gateway"}});
  crashAndComeBack();
  auto adopted = queue().takeOver();
  ASSERT_EQ(adopted.size(), 2u);
  const bool first = adopted[0].id == claimed[0].id;
  const Submission one = adopted[first ? 0 : 1], other = adopted[first ? 1 : 0];
  EXPECT_EQ(one.rounds, 3);
  expectAbout(one.failing, 20min);
  EXPECT_EQ(other.rounds, 0);
  EXPECT_EQ(other.failing, std::nullopt);
}

// --- dead supervisors

TEST_P(Clock, ADeadSupervisorIsTakenOverFromWhicheverWayItIsStepped) {
  SMSD_NEEDS_SEVERAL_SUPERVISORS();
  for (auto step : {2h, -2h}) {
    auto dead = store().open();
    dead->enlist("dead", 300ms);
    for (int i = 0; i < 20; ++i) store().put({.phone = std::to_string(i)});
    ASSERT_EQ(dead->claim(request()).submissions.size(), 20u);
    queue().takeOver();
    dead.reset();
    store().step(step);
    std::vector<Submission> adopted;
    EXPECT_TRUE(eventually([&] { return !(adopted = queue().takeOver()).empty(); })) << step.count();
    EXPECT_EQ(adopted.size(), 20u);
    std::vector<Settlement> done;
    for (const auto& submission : adopted) done.push_back(accepted(submission));
    EXPECT_EQ(queue().settle(done).sent, 20u);
  }
}

TEST_P(Clock, ALivingSupervisorIsNotTakenOverFromWhicheverWayItIsStepped) {
  SMSD_NEEDS_SEVERAL_SUPERVISORS();
  auto other = store().open();
  other->enlist("there", longLease);
  store().put({.phone = "1"});
  auto claimed = other->claim(request()).submissions;
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_TRUE(queue().takeOver().empty());
  for (auto step : {2h, -2h, -2h}) {
    store().step(step);
    EXPECT_TRUE(queue().takeOver().empty()) << step.count();
    other->renew();
  }
  EXPECT_EQ(other->settle({accepted(claimed[0])}).sent, 1u);
}

}  // namespace smsd::queue
