// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/unwritten.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace smsd::road {
namespace {

using Then = Unwritten::Refused::Then;
using Ids = std::vector<queue::SubmissionId>;

queue::Settlement settlement(queue::SubmissionId id) {
  queue::Settlement one;
  one.submission.id = id;
  one.outcome = "accepted";
  one.reference = "17";
  return one;
}
queue::NextAttempt attempt(queue::SubmissionId id) {
  queue::NextAttempt one;
  one.id = id;
  return one;
}

Ids ids(const Unwritten::Settlements* batch) {
  Ids all;
  if (batch != nullptr)
    for (auto& one : *batch) all.push_back(one.submission.id);
  return all;
}
Ids ids(const Unwritten::Attempts* batch) {
  Ids all;
  if (batch != nullptr)
    for (auto& one : *batch) all.push_back(one.id);
  return all;
}

TEST(Unwritten, SendsAllSettlementsInOneCallAndKeepsThemUntilTheyAreWritten) {
  Unwritten all;
  EXPECT_TRUE(all.empty());
  EXPECT_EQ(all.beginToSettle(), nullptr);
  for (queue::SubmissionId id : {1, 2, 3}) all.settle(settlement(id));
  EXPECT_EQ(ids(all.beginToSettle()), (Ids{1, 2, 3}));
  all.settle(settlement(4));
  EXPECT_EQ(all.settlements(), 4u);
  all.settled();
  EXPECT_EQ(all.settlements(), 1u);
  EXPECT_EQ(ids(all.beginToSettle()), Ids{4});
  EXPECT_FALSE(all.empty()) << "a call has it";
  all.settled();
  EXPECT_TRUE(all.empty());
}

TEST(Unwritten, PutsTheEntriesOfACallThatFailedBeforeTheLaterOnes) {
  Unwritten all;
  for (queue::SubmissionId id : {1, 2}) all.settle(settlement(id));
  all.beginToSettle();
  all.settle(settlement(3));
  all.undone();
  EXPECT_EQ(ids(all.beginToSettle()), (Ids{1, 2, 3}));
  all.settled();
  for (queue::SubmissionId id : {1, 2}) all.record(attempt(id));
  all.beginToRecord();
  all.record(attempt(3));
  all.undone();
  EXPECT_EQ(ids(all.beginToRecord()), (Ids{1, 2, 3}));
  EXPECT_EQ(all.recorded().size(), 3u);
  EXPECT_TRUE(all.empty());
}

TEST(Unwritten, FindsARefusedSettlementHoldsItAndSendsTheOthers) {
  struct Row {
    Ids call;
    std::optional<Then> refused;  // none: the call works
    std::string reason;           // of the first settlement in the call
  };
  const std::string held = "the outcome was accepted, but the database refused it";
  Unwritten all;
  for (queue::SubmissionId id : {1, 2, 3}) all.settle(settlement(id));
  for (const auto& [call, refused, reason] :
       {Row{{1, 2, 3}, Then::oneByOne, ""}, Row{{1}, Then::held, ""}, Row{{1}, Then::forgotten, held},
        Row{{2}, std::nullopt, ""}, Row{{3}, std::nullopt, ""}}) {
    auto* batch = all.beginToSettle();
    ASSERT_EQ(ids(batch), call);
    EXPECT_EQ(batch->front().reason, reason);
    EXPECT_EQ(batch->front().fate, reason.empty() ? queue::Fate::sent : queue::Fate::held);
    EXPECT_EQ(batch->front().reference, reason.empty() ? "17" : "");
    if (!refused) {
      all.settled();
      continue;
    }
    auto found = all.refuse();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->then, *refused);
    if (*refused == Then::held) {
      EXPECT_EQ(found->settlement.reference, "17") << "as it was refused";
    }
  }
  EXPECT_TRUE(all.empty());
}

TEST(Unwritten, RefusesNothingWhenTheCallWasNoSettlement) {
  Unwritten all;
  all.settle(settlement(1));
  all.record(attempt(1));
  all.beginToRecord();
  EXPECT_FALSE(all.refuse());
  EXPECT_EQ(all.settlements(), 1u);
}

TEST(Unwritten, DropsEverythingThatNoCallHas) {
  Unwritten all;
  all.settle(settlement(1));
  all.record(attempt(2));
  all.beginToSettle();
  all.settle(settlement(3));
  all.undone();
  all.drop();
  EXPECT_TRUE(all.empty());
}

TEST(Unwritten, AssertsThatOneCallRunsAtATimeAndThatItWasBegun) {
  Unwritten all;
  EXPECT_THROW(all.settled(), kj::Exception);
  EXPECT_THROW(all.recorded(), kj::Exception);
  all.settle(settlement(1));
  all.record(attempt(1));
  all.beginToSettle();
  EXPECT_THROW(all.beginToSettle(), kj::Exception);
  EXPECT_THROW(all.beginToRecord(), kj::Exception);
}

}  // namespace
}  // namespace smsd::road
