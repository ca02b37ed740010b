// SPDX-License-Identifier: GPL-3.0-or-later
// Waits: how long a recipient is left alone after nobody took its SMS, and what ends that early.
#include <algorithm>

#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue {

namespace {

class Wait : public QueueSuite {
 protected:
  /// One recipient, whose message of that severity waits for an hour after `rounds` rounds.
  Submission wait(std::optional<int> severity, int rounds = 3) {
    store().put({.phone = "1", .text = "waits", .severity = severity});
    auto submission = claim().submissions.at(0);
    settleAs(submission, rounds);
    return submission;
  }
  SettleResult settleAs(const Submission& submission, int rounds) {
    auto settlement = returned(submission, 1h);
    settlement.rounds = rounds;
    return queue().settle({settlement});
  }
};
SMSD_FOR_EACH_BACKEND(Wait);

using Names = std::vector<std::string>;

}  // namespace

// C22: one backoff once delayed new critical alerts, too.
TEST_P(Wait, SomethingMoreSevereEndsItAtOnceAndTakesTheOthersAlong) {
  for (auto look : {Look::head, Look::onward}) {
    wait(3);
    EXPECT_TRUE(claim(10, look).submissions.empty());
    store().put({.phone = "1", .text = "critical", .severity = 1});
    auto claimed = claim(10, look).submissions;
    ASSERT_EQ(claimed.size(), 1u);
    EXPECT_EQ(claimed[0].sms.text, "critical|waits");
    EXPECT_EQ(claimed[0].rounds, 0) << "what was before says nothing of this one";
    queue().settle({accepted(claimed[0])});
    store().put({.phone = "1", .text = "later", .severity = 9});
    auto later = claim(10, look).submissions;
    ASSERT_EQ(later.size(), 1u) << "the wait is gone";
    EXPECT_EQ(later[0].rounds, 0);
    queue().settle({accepted(later[0])});
  }
}

TEST_P(Wait, SomethingAsSevereOrLessJoinsAndWaits) {
  wait(3);
  for (std::optional<int> severity : {std::optional<int>(3), std::optional<int>(4), std::optional<int>()})
    store().put({.phone = "1", .text = "joins", .severity = severity});
  EXPECT_TRUE(claim(10, Look::head).submissions.empty());
  auto result = claim();
  EXPECT_TRUE(result.submissions.empty());
  EXPECT_GT(result.nextDue.value_or(0ms), 59min);
}

// Else a stream of critical alerts to a number that nobody takes would go round for ever.
TEST_P(Wait, EndsOnceForAStreamOfTheSameSeverity) {
  wait(3);
  store().put({.phone = "1", .severity = 1});
  auto claimed = claim().submissions;
  ASSERT_EQ(claimed.size(), 1u);
  settleAs(claimed[0], 1);
  for (int i = 0; i < 5; ++i) {
    store().put({.phone = "1", .severity = 1});
    EXPECT_TRUE(claim(10, Look::head).submissions.empty());
    EXPECT_TRUE(claim().submissions.empty());
  }
}

TEST_P(Wait, AnythingWithASeverityIsMoreThanNone) {
  wait(std::nullopt);
  store().put({.phone = "1", .text = "none either"});
  EXPECT_TRUE(claim().submissions.empty());
  store().put({.phone = "1", .text = "nine", .severity = 9});
  auto claimed = claim().submissions;
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_EQ(claimed[0].sms.text, "nine|waits|none either");
}

TEST_P(Wait, WhatIsHeldEndsNothing) {
  store().put({.phone = "1", .text = "held", .severity = 1});
  queue().settle({held(claim().submissions.at(0))});
  wait(3);
  EXPECT_TRUE(claim(10, Look::head).submissions.empty());
  EXPECT_TRUE(claim().submissions.empty());
}

TEST_P(Wait, IsOfOneRecipientOnly) {
  wait(3);
  store().put({.phone = "2", .text = "critical", .severity = 1});
  EXPECT_EQ(recipients(claim().submissions), Names{"2"});
  EXPECT_TRUE(claim().submissions.empty());
}

// C20, C33: neither another's success nor a restart makes anybody forget.
TEST_P(Wait, OutlivesItsSupervisorWithItsRounds) {
  store().put({.phone = "1"});
  store().put({.phone = "2"});
  auto claimed = claim().submissions;
  ASSERT_EQ(claimed.size(), 2u);
  std::ranges::sort(claimed, {}, &Submission::recipient);
  auto soon = returned(claimed[0], 300ms);
  soon.rounds = 4;
  queue().settle({soon, accepted(claimed[1])});
  crashAndComeBack();
  ClaimResult result;
  EXPECT_TRUE(eventually([&] { return !(result = claim()).submissions.empty(); }));
  ASSERT_EQ(recipients(result.submissions), Names{"1"});
  EXPECT_EQ(result.submissions[0].rounds, 4);
}

TEST_P(Wait, EndsWhenNothingIsLeftToWaitFor) {
  wait(3);
  EXPECT_EQ(queue().cancel(Duration(0)), 1u);
  store().put({.phone = "1", .text = "of another day", .severity = 5});
  auto claimed = claim().submissions;
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_EQ(claimed[0].rounds, 0);
}

TEST_P(Wait, OfNoTimeKeepsItsRoundsAndIsOverAtOnce) {
  store().put({.phone = "1"});
  auto untried = returned(claim().submissions.at(0), 0ms);
  untried.rounds = 2;
  queue().settle({untried});
  auto claimed = claim().submissions;
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_EQ(claimed[0].rounds, 2);
  queue().settle({accepted(claimed[0])});
  EXPECT_EQ(store().one("SELECT count(*) FROM " + store().own("wait")), "0");
}

TEST_P(Wait, IsForgottenWhenItsSmsWasSentEvenIfItCountedNothing) {
  store().put({.phone = "1"});
  auto untried = returned(claim().submissions.at(0), 0ms);
  untried.rounds = 0;
  queue().settle({untried});
  queue().settle({accepted(claim().submissions.at(0))});
  EXPECT_EQ(store().one("SELECT count(*) FROM " + store().own("wait")), "0");
}

// A recipient has one SMS on its way at a time: who holds it has to know that something more urgent stands
// behind it.
TEST_P(Wait, WhatIsInTheWayOfSomethingMoreSevereIsSaid) {
  store().put({.phone = "1", .severity = 3});
  store().put({.phone = "2", .severity = 3});
  auto claimed = claim().submissions;
  ASSERT_EQ(claimed.size(), 2u);
  store().put({.phone = "2", .severity = 3});
  EXPECT_TRUE(claim(10, Look::head).inTheWay.empty());
  store().put({.phone = "1", .severity = 2});
  for (auto look : {Look::head, Look::onward}) {
    auto inTheWay = claim(10, look).inTheWay;
    ASSERT_EQ(inTheWay.size(), 1u);
    EXPECT_EQ(inTheWay[0].id, claimed[0].id);
    EXPECT_EQ(inTheWay[0].severity, 2);
  }
}

TEST_P(Wait, WhatAMoreSevereMessageEndsAtOnceIsWorthALook) {
  store().put({.phone = "1", .severity = 3});
  auto claimed = claim().submissions.at(0);
  store().put({.phone = "1", .text = "as severe", .severity = 3});
  claim(10, Look::head);
  EXPECT_FALSE(settleAs(claimed, 1).lookAgain);
  store().sql("DELETE FROM smsq");
  store().put({.phone = "2", .severity = 3});
  claimed = claim().submissions.at(0);
  store().put({.phone = "2", .text = "critical", .severity = 1});
  claim(10, Look::head);
  EXPECT_TRUE(settleAs(claimed, 1).lookAgain);
  EXPECT_EQ(claim().submissions.at(0).sms.text, "critical|text");
}

// An empty number is a number: it must not select all recipients.
TEST_P(Wait, IsEndedForTheRecipientOfAMessageWithoutANumberAndForNoOther) {
  const auto nameless = store().put({.phone = "", .text = "to no number"});
  store().put({.phone = "1"});
  std::vector<Settlement> settlements;
  for (const auto& submission : claim().submissions) settlements.push_back(returned(submission, 1h));
  ASSERT_EQ(settlements.size(), 2u);
  queue().settle(settlements);
  const auto ended = queue().endWaits({.message = nameless, .recipient = ""});
  EXPECT_TRUE(ended.known);
  EXPECT_EQ(ended.recipient, "");
  EXPECT_EQ(ended.count, 1u);
  EXPECT_EQ(recipients(claim().submissions), Names{""});
  EXPECT_EQ(queue().endWaits({.message = 0, .recipient = std::string(1, '\0')}).count, 0u)
      << "nothing of it can be stored, but it is not empty";
  EXPECT_EQ(queue().endWaits({}).count, 1u);
  EXPECT_EQ(recipients(claim().submissions), Names{"1"});
}

}  // namespace smsd::queue
