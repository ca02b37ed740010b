// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/claim-plan.h"

#include <gtest/gtest.h>

namespace smsd::road {
namespace {

using queue::Look;
using Plan = std::optional<ClaimPlan::Plan>;
using InHand = ClaimPlan::InHand;

constexpr unsigned share = 8;
constexpr Plan none = std::nullopt;
constexpr int mild = 5, severe = 1, nothing = INT_MAX;
ClaimPlan::Plan head(std::size_t limit, std::optional<int> moreSevereThan = std::nullopt) {
  return {Look::head, limit, moreSevereThan};
}
ClaimPlan::Plan onward(std::size_t limit) { return {Look::onward, limit, std::nullopt}; }

/// What is in hand is all of one severity.
constexpr InHand holding(std::size_t capacity, std::size_t all, int severity = mild) {
  return {.capacity = capacity, .all = all, .waiting = all, .milder = 0, .mildest = severity};
}

/// A plan whose first sweep found nothing.
ClaimPlan idle() {
  ClaimPlan plan(share);
  plan.next(holding(1, 0));
  plan.answered(0, nothing, true);
  return plan;
}
/// One in the middle of a sweep.
ClaimPlan sweeping(unsigned of = share) {
  ClaimPlan plan(of);
  auto first = plan.next(holding(1, 0));
  plan.answered(first->limit, mild, false);
  return plan;
}

TEST(ClaimPlan, SweepsTheQueueOnceAndThenOnlyForNews) {
  ClaimPlan plan(share);
  EXPECT_EQ(plan.next(holding(1, 0)), onward(8));
  plan.answered(0, nothing, true);
  EXPECT_EQ(plan.next(holding(1, 0)), none);
  plan.notice();
  EXPECT_EQ(plan.next(holding(1, 0)), onward(8)) << "its beginning is the head";
}

TEST(ClaimPlan, ClaimsOnlyALittleAheadOfWhatTheDispatcherTakes) {
  struct Row {
    std::size_t capacity, inHand;
    Plan expected;
  };
  for (auto [capacity, inHand, expected] : {Row{1, 0, onward(8)},
                                            {1, 1, onward(8)},
                                            {1, 2, head(8, mild)},
                                            {16, 0, onward(64)},
                                            {16, 31, onward(64)},
                                            {16, 32, head(64, mild)},
                                            {128, 255, onward(64)}}) {
    ClaimPlan plan(share);
    EXPECT_EQ(plan.next(holding(capacity, inHand)), expected) << capacity << ", " << inHand;
  }
}

TEST(ClaimPlan, GrowsInTheCourseOfASweepAndBeginsSmallAgain) {
  ClaimPlan plan(share);
  for (std::size_t limit : {64, 256, 500, 500}) {
    EXPECT_EQ(plan.next(holding(512, 0)), onward(limit));
    plan.answered(limit, mild, false);
  }
  plan.next(holding(512, 0));
  plan.answered(0, nothing, true);
  plan.notice();
  EXPECT_EQ(plan.next(holding(512, 0)), onward(64));
}

TEST(ClaimPlan, LooksAtTheHeadForNewsDuringASweepAndWhenThereIsEnoughInHand) {
  for (ClaimPlan plan : {sweeping(), idle()}) {
    plan.notice();
    EXPECT_EQ(plan.next(holding(1, 100)), head(8, mild)) << "for what is more severe than all that waits";
  }
  ClaimPlan plan = sweeping();
  plan.notice();
  EXPECT_EQ(plan.next(holding(1, 0)), head(8)) << "for anything";
}

TEST(ClaimPlan, AsksAgainWhatWasNotAnswered) {
  ClaimPlan plan = idle();
  plan.notice();
  EXPECT_EQ(plan.next(holding(1, 100)), head(8, mild));
  EXPECT_EQ(plan.next(holding(1, 100)), head(8, mild));
  plan.answered(0, nothing, false);
  EXPECT_EQ(plan.next(holding(1, 100)), none);
}

// The look onward is elsewhere: what it finds is milder than what the head still has.
TEST(ClaimPlan, LooksAtTheHeadAgainAndAgainUntilItDoesNotComeBackFull) {
  ClaimPlan plan = sweeping();
  plan.notice();
  InHand mixed{.capacity = 1, .all = 20, .waiting = 20, .milder = 12, .mildest = mild};
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(plan.next(mixed), head(8, mild)) << i;
    plan.answered(8, severe, false);
  }
  EXPECT_EQ(plan.next(holding(1, 20, severe)), none) << "nothing waits that is milder than what is there";
  EXPECT_EQ(plan.next(holding(1, 1, severe)), head(8)) << "and it goes before what a look onward finds";
  plan.answered(3, mild, false);
  EXPECT_EQ(plan.next(holding(1, 1, mild)), onward(8));
}

TEST(ClaimPlan, LooksAtTheHeadBeforeItGoesOnWhereALookWasForSomeSeveritiesOnly) {
  ClaimPlan plan = sweeping();
  plan.notice();
  EXPECT_EQ(plan.next(holding(1, 100, severe)), head(8, severe));
  plan.answered(0, nothing, false);
  EXPECT_EQ(plan.next(holding(1, 100, severe)), none);
  EXPECT_EQ(plan.next(holding(1, 1, severe)), head(8)) << "the news may be of any severity";
  plan.answered(0, nothing, false);
  EXPECT_EQ(plan.next(holding(1, 1, severe)), onward(8));
}

TEST(ClaimPlan, LooksForOneAloneWhileOnlyTheSevereCanBeSent) {
  ClaimPlan plan = sweeping();
  EXPECT_EQ(plan.nextForOne(mild), none) << "there is no news";
  plan.lookFirst();
  EXPECT_EQ(plan.nextForOne(mild), head(1, mild));
  plan.answered(0, nothing, false);
  EXPECT_EQ(plan.nextForOne(mild), none);
  EXPECT_EQ(plan.next(holding(1, 0)), head(8)) << "others may be there, too";
}

TEST(ClaimPlan, KnowsWhetherALookThatHasSeenTheNewsIsStillToCome) {
  ClaimPlan plan = idle();
  const InHand hand = holding(1, 1);
  EXPECT_FALSE(plan.awaits(plan.news(), hand)) << "there is none";
  plan.lookFirst();
  const auto news = plan.news();
  EXPECT_TRUE(plan.awaits(news, hand));
  plan.next(hand);
  EXPECT_TRUE(plan.awaits(news, hand)) << "it is asked";
  plan.notice();
  plan.answered(0, nothing, false);
  EXPECT_FALSE(plan.awaits(news, hand)) << "what came since is no reason to wait";
  EXPECT_TRUE(plan.awaits(plan.news(), hand));
  EXPECT_FALSE(plan.awaits(plan.news(), holding(1, 10'000))) << "it would not come";
}

TEST(ClaimPlan, SeesTheNewsWithALookForAllAndNotWithALookForOne) {
  ClaimPlan plan = idle();
  const InHand hand = holding(1, 1);
  plan.lookFirst();
  EXPECT_EQ(plan.nextForOne(std::nullopt), head(1));
  plan.answered(1, severe, false);
  EXPECT_EQ(plan.next(hand), head(8));
  EXPECT_TRUE(plan.awaits(plan.news(), hand))
      << "that one was the most severe, and the second may be more severe than those in hand";
  plan.answered(0, nothing, false);
  EXPECT_FALSE(plan.awaits(plan.news(), hand));
}

TEST(ClaimPlan, LooksOnwardOnceInSoManyLooksWhateverNewsThereIs) {
  for (unsigned of : {8u, 4u, 0u}) {
    ClaimPlan plan = sweeping(of);
    int onwards = 0;
    for (int i = 0; i < 80; ++i) {
      plan.notice();
      auto next = plan.next(holding(1, 20));
      ASSERT_TRUE(next);
      onwards += next->look == Look::onward ? 1 : 0;
      plan.answered(0, nothing, false);
    }
    EXPECT_EQ(onwards, of == 0 ? 0 : 80 / static_cast<int>(of)) << of;
  }
}

TEST(ClaimPlan, DoesNotLookOnwardForOthersWhenEnoughOfThemIsInHand) {
  ClaimPlan plan = sweeping();
  for (int i = 0; i < 80; ++i) {
    plan.notice();
    auto next = plan.next({.capacity = 1, .all = 20, .waiting = 20, .milder = 1, .mildest = mild});
    ASSERT_TRUE(next);
    EXPECT_EQ(next->look, Look::head);
    plan.answered(0, nothing, false);
  }
}

TEST(ClaimPlan, TakesNothingMoreWhenFarTooMuchIsInHand) {
  ClaimPlan plan = sweeping();
  plan.notice();
  EXPECT_EQ(plan.next(holding(1, 503)), head(8, mild));
  plan.answered(0, nothing, false);
  plan.notice();
  EXPECT_EQ(plan.next(holding(1, 504)), none);
  EXPECT_TRUE(plan.wants());
}

}  // namespace
}  // namespace smsd::road
