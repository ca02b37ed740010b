// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/recall.h"

#include <gtest/gtest.h>

#include <map>

namespace smsd::keeper {
namespace {

using namespace std::chrono_literals;

std::map<queue::AttemptId, std::pair<delivery::OutcomeKind, delivery::Begun>> byAttempt(
    const std::vector<delivery::AttemptOutcome>& outcomes) {
  std::map<queue::AttemptId, std::pair<delivery::OutcomeKind, delivery::Begun>> result;
  for (const auto& one : outcomes) result[one.attempt] = {one.outcome.kind, one.begun};
  return result;
}

Recalled recalled(queue::AttemptId attempt, delivery::OutcomeKind kind) {
  return {attempt, delivery::Outcome{kind, "words", {}}};
}

TEST(Inquiry, BelievesWhatTheWorkerRemembers) {
  Inquiry inquiry;
  inquiry.add(1, delivery::Begun::yes, 10s);
  inquiry.add(2, delivery::Begun::yes, 10s);
  std::vector<Recalled> answer;
  answer.push_back(recalled(1, delivery::OutcomeKind::accepted));
  answer.push_back(recalled(2, delivery::OutcomeKind::refused));
  auto outcomes = byAttempt(inquiry.answered({1, 2}, std::move(answer)));
  EXPECT_EQ(outcomes.at(1).first, delivery::OutcomeKind::accepted);
  EXPECT_EQ(outcomes.at(2).first, delivery::OutcomeKind::refused);
  EXPECT_TRUE(inquiry.empty());
}

TEST(Inquiry, WhatTheWorkerGaveBackUntouchedWasNotTriedThere) {
  Inquiry inquiry;
  inquiry.add(1, delivery::Begun::yes, 10s);
  std::vector<Recalled> answer;
  answer.push_back(
      {1, delivery::Outcome{delivery::OutcomeKind::deferred, "given back", {}}, delivery::Begun::no});
  EXPECT_EQ(byAttempt(inquiry.answered({1}, std::move(answer))).at(1),
            std::make_pair(delivery::OutcomeKind::deferred, delivery::Begun::no));
}

TEST(Inquiry, WhatTheWorkerDoesNotKnowIsUnknownWhereItMayHaveBegunAndElseDeferred) {
  Inquiry inquiry;
  inquiry.add(1, delivery::Begun::yes, 10s);
  inquiry.add(2, delivery::Begun::no, 10s);
  auto outcomes = byAttempt(inquiry.answered({1, 2}, {}));
  EXPECT_EQ(outcomes.at(1), std::make_pair(delivery::OutcomeKind::unknown, delivery::Begun::yes));
  EXPECT_EQ(outcomes.at(2), std::make_pair(delivery::OutcomeKind::deferred, delivery::Begun::no));
}

TEST(Inquiry, WhatIsUnderWayThereStaysOpenUntilItIsAnsweredOrItsTimeIsOver) {
  Inquiry inquiry;
  inquiry.add(1, delivery::Begun::yes, 10s);
  std::vector<Recalled> underWay;
  underWay.push_back({1, nullptr});
  EXPECT_TRUE(inquiry.answered({1}, std::move(underWay)).empty());
  EXPECT_EQ(inquiry.open(), std::vector<queue::AttemptId>{1});
  EXPECT_TRUE(inquiry.expired(9999ms).empty());
  EXPECT_EQ(byAttempt(inquiry.expired(10s)).at(1).first, delivery::OutcomeKind::unknown);
  EXPECT_TRUE(inquiry.empty());
}

TEST(Inquiry, AnAttemptThatCameInAfterTheQuestionIsNotAnsweredByIt) {
  Inquiry inquiry;
  inquiry.add(1, delivery::Begun::yes, 10s);
  inquiry.add(2, delivery::Begun::yes, 10s);
  EXPECT_EQ(byAttempt(inquiry.answered({1}, {})).size(), 1u);
  EXPECT_EQ(inquiry.open(), std::vector<queue::AttemptId>{2});
}

TEST(Inquiry, AnswersEachAttemptOnce) {
  Inquiry inquiry;
  inquiry.add(1, delivery::Begun::yes, 10s);
  std::vector<Recalled> once, again;
  once.push_back(recalled(1, delivery::OutcomeKind::accepted));
  again.push_back(recalled(1, delivery::OutcomeKind::accepted));
  EXPECT_EQ(inquiry.answered({1}, std::move(once)).size(), 1u);
  EXPECT_TRUE(inquiry.answered({1}, std::move(again)).empty());
  EXPECT_TRUE(inquiry.giveUp("nobody").empty());
}

TEST(Inquiry, KnowsOnceWhichAttemptsAreOfAnEarlierSmsd) {
  Inquiry inquiry;
  inquiry.addFormer({1, 2}, 10s);
  inquiry.add(3, delivery::Begun::yes, 10s);
  EXPECT_EQ(inquiry.size(), 3u);
  EXPECT_FALSE(inquiry.takeFormer(3));
  EXPECT_TRUE(inquiry.takeFormer(1));
  EXPECT_FALSE(inquiry.takeFormer(1));
  auto outcomes = byAttempt(inquiry.answered({2}, {}));
  EXPECT_EQ(outcomes.at(2), std::make_pair(delivery::OutcomeKind::unknown, delivery::Begun::yes));
  EXPECT_TRUE(inquiry.takeFormer(2)) << "also after it was found";
}

}  // namespace
}  // namespace smsd::keeper
