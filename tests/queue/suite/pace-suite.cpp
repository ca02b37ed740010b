// SPDX-License-Identifier: GPL-3.0-or-later
// Storm control: which recipients a claim leaves alone because an SMS left to them lately. A queue that does
// not pace skips these cases.
#include <algorithm>

#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue {

namespace {

#define SMSD_NEEDS_PACES()                                                                      \
  if (!store().complete() && !queue().paces()) GTEST_SKIP() << "this queue paces no recipient"; \
  ASSERT_TRUE(queue().paces())

class PacedRecipients : public QueueSuite {
 protected:
  PacedRecipients() { queue().takeOver(); }  // learns which version of the schema all supervisors know

  ClaimResult claimPaced(std::size_t limit = 100, Look look = Look::onward, Queue* by = nullptr) {
    ClaimRequest paced = request(limit, look);
    paced.pacing = PacedClaim{rules, [](const auto& messages, Duration silence) {
                                auto sms = joined(messages);
                                sms.text +=
                                    " then silence for " + std::to_string((silence + 30s) / 1min) + " min";
                                return sms;
                              }};
    return (by == nullptr ? queue() : *by).claim(paced);
  }
  std::vector<std::string> textsOf(const ClaimResult& result) {
    std::vector<std::string> texts;
    for (const auto& one : result.submissions) texts.push_back(one.sms.text);
    return texts;
  }
  Settlement sent(const Submission& submission) {
    Settlement settlement = accepted(submission);
    if (!rules.exempts(submission.severity)) settlement.pacing = rules;
    return settlement;
  }
  /// Claims, and sends all of it.
  std::vector<std::string> send(Look look = Look::onward) {
    const auto claimed = claimPaced(100, look);
    for (const auto& one : claimed.submissions) queue().settle({sent(one)});
    return textsOf(claimed);
  }
  void put(const std::string& phone, const std::string& text, std::optional<int> severity = 3) {
    store().put({.phone = phone, .text = text, .severity = severity});
  }

  pace::PaceRules rules{.window = 1h, .exempt = 1, .perHour = 20};
};
SMSD_FOR_EACH_BACKEND(PacedRecipients);

using Texts = std::vector<std::string>;

}  // namespace

TEST_P(PacedRecipients, GetTheFirstSmsAtOnceAndTheOthersTogetherAfterTheWindow) {
  SMSD_NEEDS_PACES();
  rules.window = 1min;
  put("1", "first");
  EXPECT_EQ(send(), Texts{"first"});
  for (const char* text : {"second", "third"}) put("1", text);
  for (const Look look : {Look::head, Look::onward}) {
    const auto result = claimPaced(100, look);
    EXPECT_TRUE(result.submissions.empty());
    ASSERT_EQ(result.paced.size(), 1u);
    EXPECT_EQ(result.paced[0].recipient, "1");
    EXPECT_EQ(result.paced[0].decision.departure, pace::Departure::afterWindow);
    EXPECT_GT(result.paced[0].decision.wait, 50s);
    EXPECT_LE(result.paced[0].decision.wait, 1min);
  }
  store().step(61s);
  EXPECT_EQ(send(), Texts{"second|third"});
  put("1", "fourth");
  EXPECT_EQ(send(), Texts{});
}

TEST_P(PacedRecipients, ArePacedOneByOne) {
  SMSD_NEEDS_PACES();
  put("1", "first");
  send();
  put("1", "second");
  put("2", "first of another");
  EXPECT_EQ(send(), Texts{"first of another"});
}

TEST_P(PacedRecipients, GetAnExemptMessageAtOnceWithAllThatWaits) {
  SMSD_NEEDS_PACES();
  for (const Look look : {Look::head, Look::onward}) {
    put("1", "first");
    send();
    put("1", "waits");
    put("1", "waits, too", std::nullopt);
    EXPECT_EQ(send(look), Texts{});
    put("1", "critical", 1);
    EXPECT_EQ(send(look), Texts{"critical|waits|waits, too"});
    put("1", "critical again", 1);
    EXPECT_EQ(send(look), Texts{"critical again"});
    put("1", "later");
    EXPECT_EQ(send(look), Texts{}) << "the window is that of the first";
    store().step(3600s);
    EXPECT_EQ(send(look), Texts{"later"});
    store().step(3600s);
  }
}

TEST_P(PacedRecipients, AreNotCountedForAnExemptSms) {
  SMSD_NEEDS_PACES();
  put("1", "critical", 1);
  EXPECT_EQ(send(), Texts{"critical"});
  put("1", "first that counts");
  EXPECT_EQ(send(), Texts{"first that counts"});
}

TEST_P(PacedRecipients, AreNotPacedForAnSmsThatDidNotLeave) {
  SMSD_NEEDS_PACES();
  put("1", "text");
  queue().settle({returned(claimPaced().submissions.at(0))});
  EXPECT_EQ(send(), Texts{"text"});
}

TEST_P(PacedRecipients, HaveALimitInAnHourWhichTheLastSmsSays) {
  SMSD_NEEDS_PACES();
  rules = {.window = 1min, .exempt = 1, .perHour = 3};
  put("1", "one");
  EXPECT_EQ(send(), Texts{"one"});
  store().step(10min);
  put("1", "two");
  EXPECT_EQ(send(), Texts{"two"});
  store().step(10min);
  put("1", "three");
  EXPECT_EQ(send(), Texts{"three then silence for 40 min"});
  store().step(10min);
  put("1", "four");
  const auto result = claimPaced();
  EXPECT_TRUE(result.submissions.empty());
  ASSERT_EQ(result.paced.size(), 1u);
  EXPECT_EQ(result.paced[0].decision.departure, pace::Departure::nextHour);
  EXPECT_NEAR(static_cast<double>(result.paced[0].decision.wait / 1s), 30 * 60, 30);
  put("1", "critical", 1);
  EXPECT_EQ(send(), Texts{"critical|four"});
  put("1", "five");
  EXPECT_EQ(send(), Texts{});
  store().step(30min);
  EXPECT_EQ(send(), Texts{"five"});
}

TEST_P(PacedRecipients, AreRememberedAfterACrash) {
  SMSD_NEEDS_PACES();
  put("1", "first");
  send();
  put("1", "second");
  crashAndComeBack();
  queue().takeOver();
  EXPECT_EQ(send(), Texts{});
  store().step(3600s);
  EXPECT_EQ(send(), Texts{"second"});
}

TEST_P(PacedRecipients, AreCountedOnceForASettlementThatIsRepeated) {
  SMSD_NEEDS_PACES();
  put("1", "first");
  const auto settlement = sent(claimPaced().submissions.at(0));
  for (int i = 0; i < 3; ++i) queue().settle({settlement});
  EXPECT_EQ(store().one("SELECT sent FROM " + store().own("pace")), "1");
}

TEST_P(PacedRecipients, AreOfAllSupervisors) {
  SMSD_NEEDS_PACES();
  SMSD_NEEDS_SEVERAL_SUPERVISORS();
  auto other = store().open();
  other->enlist("there", longLease);
  other->takeOver();
  queue().takeOver();
  put("1", "first");
  send();
  put("1", "second");
  EXPECT_TRUE(claimPaced(100, Look::onward, other.get()).submissions.empty());
  put("1", "critical", 1);
  const auto claimed = claimPaced(100, Look::onward, other.get()).submissions;
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_EQ(claimed[0].sms.text, "critical|second");
}

TEST_P(PacedRecipients, AreFreeWhenPaceIsOff) {
  SMSD_NEEDS_PACES();
  put("1", "first");
  send();
  put("1", "second");
  EXPECT_EQ(recipients(claim().submissions), Texts{"1"});
}

TEST_P(PacedRecipients, AreFreeAfterAStepOfTheClockEitherWay) {
  SMSD_NEEDS_PACES();
  for (const auto ahead : {-7200s, 7200s}) {
    put("1", "first");
    EXPECT_EQ(send(), Texts{"first"});
    put("1", "second");
    EXPECT_EQ(send(), Texts{});
    store().step(ahead);
    EXPECT_EQ(send(), Texts{"second"});
    store().step(std::chrono::abs(ahead));
  }
}

// A storm to one telephone must not hide the messages to others, wherever its rows are in the order.
TEST_P(PacedRecipients, DoNotHideTheOthersBehindTheirRows) {
  SMSD_NEEDS_PACES();
  put("storm", "first");
  send();
  for (int i = 0; i < 300; ++i) put("storm", "text", 2 + i % 3);
  for (const Look look : {Look::head, Look::onward}) {
    put("2", "mild", 9);
    put("3", "without a severity", std::nullopt);
    put("4", "severe", 2);
    const auto result = claimPaced(100, look);
    EXPECT_EQ(textsOf(result), (Texts{"severe", "mild", "without a severity"}));
    EXPECT_TRUE(result.atEnd);
    ASSERT_EQ(result.paced.size(), 1u);
    for (const auto& one : result.submissions) queue().settle({accepted(one)});
    put("5", "mild", 9);
    put("6", "mild", 9);
    const auto first = claimPaced(1, look);
    EXPECT_EQ(first.submissions.size(), 1u);
    EXPECT_EQ(first.atEnd, false);
    const auto second = claimPaced(1, look);
    EXPECT_EQ(second.submissions.size(), 1u);
    for (const auto& one : {first.submissions.at(0), second.submissions.at(0)})
      queue().settle({accepted(one)});
    put("7", "mild", 9);
    ClaimRequest severe = request(100, look);
    severe.moreSevereThan = 5;
    severe.pacing = PacedClaim{rules, {}};
    EXPECT_TRUE(queue().claim(severe).submissions.empty());
    EXPECT_EQ(textsOf(claimPaced(100, look)), Texts{"mild"});
    crashAndComeBack();
    for (const auto& one : queue().takeOver()) queue().settle({accepted(one)});
  }
  put("storm", "critical", 1);
  const auto claimed = claimPaced();
  ASSERT_EQ(claimed.submissions.size(), 1u);
  EXPECT_TRUE(claimed.submissions[0].sms.text.starts_with("critical|"));
}

TEST_P(PacedRecipients, WithHeldMessagesAreNotConfusedByThem) {
  SMSD_NEEDS_PACES();
  put("storm", "first");
  put("1", "held", 1);
  for (const auto& one : claimPaced().submissions)
    queue().settle({one.recipient == "1" ? held(one) : sent(one)});
  for (int i = 0; i < 100; ++i) put("storm", "text", 2);
  EXPECT_EQ(send(), Texts{});
  put("1", "mild", 9);
  EXPECT_EQ(send(), Texts{"mild"});
}

// A message that comes while an SMS to its recipient is under way is looked at when that one ends.
TEST_P(PacedRecipients, AreLookedAtAgainWhenTheirSmsEnds) {
  SMSD_NEEDS_PACES();
  put("storm", "first");
  send();
  for (int i = 0; i < 100; ++i) put("storm", "text", 2);
  put("1", "under way", 1);
  const auto claimed = claimPaced();
  ASSERT_EQ(recipients(claimed.submissions), Texts{"1"});
  put("1", "meanwhile", 1);
  put("1", "meanwhile, and mild", 9);
  EXPECT_TRUE(claimPaced().submissions.empty());
  EXPECT_TRUE(queue().settle({sent(claimed.submissions[0])}).lookAgain);
  EXPECT_EQ(send(), Texts{"meanwhile|meanwhile, and mild"});
}

TEST_P(PacedRecipients, AreCountedByTheDepthAndAreNotLate) {
  SMSD_NEEDS_PACES();
  put("1", "first");
  send();
  EXPECT_EQ(queue().depth(100).paced, 0u);
  for (int i = 0; i < 5; ++i) store().put({.phone = "1", .severity = 3, .age = 10min});
  auto depth = queue().depth(100);
  EXPECT_EQ(depth.unsent, 5u);
  EXPECT_EQ(depth.paced, 5u);
  EXPECT_EQ(depth.late, std::nullopt);
  EXPECT_EQ(queue().depth(3).paced, 3u);
  store().put({.phone = "1", .severity = 1, .age = 5min});
  depth = queue().depth(100);
  EXPECT_EQ(depth.paced, 5u) << "the exempt one is not";
  EXPECT_GT(depth.late.value_or(0s), 4min);
  EXPECT_LT(depth.late.value_or(0s), 6min);
  store().step(3600s);
  depth = queue().depth(100);
  EXPECT_EQ(depth.paced, 0u);
  EXPECT_GT(depth.late.value_or(0s), 9min);
}

TEST_P(PacedRecipients, HaveTheEndOfTheirWindowExplained) {
  SMSD_NEEDS_PACES();
  put("1", "first");
  send();
  const auto waits = store().put({.phone = "1", .severity = 3});
  const auto exempt = store().put({.phone = "1", .severity = 1});
  const auto free = store().put({.phone = "2", .severity = 3});
  EXPECT_EQ(queue().explain(waits)->pacedUntil.size(), std::string("2026-01-31 23:59:59").size());
  EXPECT_EQ(queue().explain(exempt)->pacedUntil, "");
  EXPECT_EQ(queue().explain(free)->pacedUntil, "");
  store().step(3600s);
  EXPECT_EQ(queue().explain(waits)->pacedUntil, "");
}

TEST_P(PacedRecipients, AreForgottenAfterAnHour) {
  SMSD_NEEDS_PACES();
  put("1", "first");
  put("2", "first");
  send();
  store().step(7000s);
  put("2", "second");
  send();
  store().step(600s);
  queue().purge(1h, 100);
  EXPECT_EQ(store().one("SELECT recipient FROM " + store().own("pace")), "2");
}

}  // namespace smsd::queue
