// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/sms-under-way.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace smsd::road {
namespace {

constexpr queue::SubmissionId theId = 1;
constexpr queue::AttemptId theAttempt = 100;
const kj::TimePoint start = kj::origin<kj::TimePoint>();
constexpr Stage stages[] = {Stage::deciding, Stage::pending, Stage::recording, Stage::inFlight,
                            Stage::waiting};

std::unique_ptr<Item> sms(queue::SubmissionId id, std::optional<int> severity = std::nullopt) {
  auto item = std::make_unique<Item>();
  item->submission.id = id;
  item->submission.first = id;
  item->submission.attempt = theAttempt + static_cast<queue::AttemptId>(id) - theId;
  item->submission.severity = severity;
  return item;
}

/// One SMS, brought into a stage by moves.
struct Held {
  explicit Held(Stage stage) : item(held.enter(sms(theId))) {
    switch (stage) {
      case Stage::deciding:
        break;
      case Stage::pending:
        held.waitForRoom(item);
        break;
      case Stage::recording:
        held.waitForRoom(item);
        held.record(item);
        break;
      case Stage::inFlight:
        held.adopt(item);
        break;
      case Stage::waiting:
        held.waitForRound(item, start + 1 * kj::SECONDS);
        break;
    }
  }
  SmsUnderWay held;
  Item& item;
};

void expectOnlyIn(const SmsUnderWay& held, Stage stage, const std::string& what) {
  for (Stage each : stages) EXPECT_EQ(held.count(each), each == stage ? 1u : 0u) << what << int(each);
  EXPECT_EQ(held.size(), 1u) << what;
  EXPECT_EQ(held.pending().size(), stage == Stage::pending ? 1u : 0u) << what;
  EXPECT_EQ(held.inFlight().size(), stage == Stage::inFlight ? 1u : 0u) << what;
  EXPECT_EQ(held.waiting().size(), stage == Stage::waiting ? 1u : 0u) << what;
  EXPECT_EQ(held.find(theId)->second, stage) << what;
}

TEST(SmsUnderWay, MakesAMoveOnlyFromTheStageInWhichItStarts) {
  struct Row {
    const char* move;
    std::function<void(SmsUnderWay&, Item&)> make;
    std::initializer_list<Stage> from;
    Stage to;
  };
  auto waitForRound = [](SmsUnderWay& held, Item& item) { held.waitForRound(item, start); };
  auto recorded = [](SmsUnderWay& held, Item& item) { held.recorded(item.submission.id); };
  using enum Stage;
  for (auto& row : {
           Row{"waitForRoom", &SmsUnderWay::waitForRoom, {deciding}, pending},
           Row{"waitForRound", waitForRound, {deciding}, waiting},
           Row{"adopt", &SmsUnderWay::adopt, {deciding}, inFlight},
           Row{"handOver", &SmsUnderWay::handOver, {pending}, inFlight},
           Row{"record", &SmsUnderWay::record, {pending}, recording},
           Row{"recorded", recorded, {recording}, deciding},
           Row{"reconsider", &SmsUnderWay::reconsider, {pending, waiting}, deciding},
       })
    for (Stage from : stages) {
      Held one(from);
      const std::string what = std::string(row.move) + " from " + std::to_string(int(from)) + ": ";
      if (std::find(row.from.begin(), row.from.end(), from) == row.from.end()) {
        EXPECT_ANY_THROW(row.make(one.held, one.item)) << what;
        expectOnlyIn(one.held, from, what);
      } else {
        row.make(one.held, one.item);
        expectOnlyIn(one.held, row.to, what);
      }
    }
}

TEST(SmsUnderWay, FindsAnAttemptWhileItIsInFlight) {
  for (Stage stage : stages) {
    Held one(stage);
    const bool inFlight = stage == Stage::inFlight;
    EXPECT_EQ(one.held.ended(theAttempt), inFlight ? &one.item : nullptr) << int(stage);
    EXPECT_EQ(one.held.ended(theAttempt), nullptr) << int(stage);
    expectOnlyIn(one.held, inFlight ? Stage::deciding : stage, "");
  }
}

TEST(SmsUnderWay, LeavesOnceAndOnlyFromTheMiddle) {
  for (Stage stage : stages) {
    Held one(stage);
    if (stage != Stage::deciding) {
      EXPECT_ANY_THROW(one.held.leave(one.item)) << int(stage);
      continue;
    }
    auto left = one.held.leave(one.item);
    EXPECT_EQ(left.get(), &one.item);
    EXPECT_EQ(one.held.size(), 0u);
    EXPECT_FALSE(one.held.find(theId));
    EXPECT_EQ(one.held.recorded(theId), nullptr);
    EXPECT_ANY_THROW(one.held.leave(*left));
    EXPECT_ANY_THROW(one.held.waitForRoom(*left));
  }
}

TEST(SmsUnderWay, IsInOnePlaceAtATime) {
  for (Stage stage : stages) {
    Held one(stage);
    EXPECT_ANY_THROW(one.held.enter(sms(theId))) << "the same submission again";
    expectOnlyIn(one.held, stage, "after a second one: ");
    one.held.clear();
    EXPECT_EQ(one.held.size(), 0u);
    for (Stage each : stages) EXPECT_TRUE(one.held.none(each)) << int(stage) << int(each);
  }
}

TEST(SmsUnderWay, NoticesThatAnIndexedFieldChangedBehindItsBack) {
  Held pending(Stage::pending);
  pending.item.urgency = 1;
  EXPECT_ANY_THROW(pending.held.record(pending.item));
  Held inFlight(Stage::inFlight);
  ++inFlight.item.submission.attempt;
  EXPECT_ANY_THROW(inFlight.held.ended(theAttempt));
}

TEST(SmsUnderWay, NoticesASecondSmsWithTheSameAttempt) {
  Held one(Stage::inFlight);
  auto other = sms(theId + 1);
  other->submission.attempt = theAttempt;
  Item& second = one.held.enter(std::move(other));
  EXPECT_ANY_THROW(one.held.adopt(second));
}

TEST(SmsUnderWay, KeepsThoseThatWaitForARoundByTheirTime) {
  SmsUnderWay held;
  EXPECT_EQ(held.nextRound(), std::nullopt);
  const int seconds[] = {3, 1, 2, 2};
  for (queue::SubmissionId id = 1; id <= 4; ++id)
    held.waitForRound(held.enter(sms(id)), start + seconds[id - 1] * kj::SECONDS);
  auto ids = [](const std::vector<Item*>& items) {
    std::vector<queue::SubmissionId> result;
    for (auto* item : items) result.push_back(item->submission.id);
    return result;
  };
  using Ids = std::vector<queue::SubmissionId>;
  EXPECT_EQ(*held.nextRound(), start + 1 * kj::SECONDS);
  EXPECT_EQ(ids(held.due(start)), Ids{});
  EXPECT_EQ(ids(held.due(start + 2 * kj::SECONDS)), (Ids{2, 3, 4}));
  EXPECT_EQ(ids(held.waiting()), (Ids{2, 3, 4, 1}));
}

TEST(SmsUnderWay, CountsForTheClaimPlan) {
  struct Row {
    const char* what;
    std::vector<int> severities;  // of those that are pending; 0: none
    std::size_t recording, milder;
    int mildest;
  };
  for (auto& row : {
           Row{"nothing", {}, 0, 0, INT_MAX},
           Row{"recording alone", {}, 2, 0, INT_MAX},
           Row{"all of one severity", {3, 3}, 0, 0, 3},
           Row{"milder ones", {1, 3, 1, 5}, 1, 2, 5},
           Row{"none is the mildest severity", {1, 0}, 0, 1, INT_MAX},
       }) {
    SmsUnderWay held;
    queue::SubmissionId id = 0;
    for (std::size_t i = 0; i < row.recording; ++i) {
      Item& item = held.enter(sms(++id, 1));
      held.waitForRoom(item);
      held.record(item);
    }
    for (int severity : row.severities)
      held.waitForRoom(held.enter(sms(++id, severity == 0 ? std::nullopt : std::optional(severity))));
    const auto hand = held.inHand(7);
    EXPECT_EQ(hand.capacity, 7u) << row.what;
    EXPECT_EQ(hand.all, row.severities.size() + row.recording) << row.what;
    EXPECT_EQ(hand.waiting, row.severities.size()) << row.what;
    EXPECT_EQ(hand.milder, row.milder) << row.what;
    EXPECT_EQ(hand.mildest, row.mildest) << row.what;
  }
}

}  // namespace
}  // namespace smsd::road
