#include "supervisor/road/claim-plan.h"

#include <gtest/gtest.h>

namespace smsd {
namespace {

using queue::Look;
using Plan = std::optional<ClaimPlan::Plan>;
using InHand = ClaimPlan::InHand;

constexpr unsigned share = 8;
constexpr Plan none = std::nullopt;
constexpr ClaimPlan::Plan head(std::size_t limit) { return {Look::head, limit}; }
constexpr ClaimPlan::Plan onward(std::size_t limit) { return {Look::onward, limit}; }

/// What is in hand is all of one severity.
constexpr InHand holding(std::size_t capacity, std::size_t all) { return {capacity, all, all, 0}; }

/// A plan whose first sweep found nothing.
ClaimPlan idle() {
  ClaimPlan plan(share);
  plan.next(holding(1, 0));
  plan.answered(Look::onward, true);
  return plan;
}

TEST(ClaimPlan, SweepsTheQueueOnceAndThenOnlyForNews) {
  ClaimPlan plan(share);
  EXPECT_EQ(plan.next(holding(1, 0)), onward(8));
  plan.answered(Look::onward, true);
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
                                            {1, 2, none},
                                            {16, 0, onward(64)},
                                            {16, 31, onward(64)},
                                            {16, 32, none},
                                            {128, 255, onward(64)}}) {
    ClaimPlan plan(share);
    EXPECT_EQ(plan.next(holding(capacity, inHand)), expected) << capacity << ", " << inHand;
  }
}

TEST(ClaimPlan, GrowsInTheCourseOfASweepAndBeginsSmallAgain) {
  ClaimPlan plan(share);
  for (std::size_t limit : {64, 256, 500, 500}) {
    EXPECT_EQ(plan.next(holding(512, 0)), onward(limit));
    plan.answered(Look::onward, limit == 0);
  }
  plan.next(holding(512, 0));
  plan.answered(Look::onward, true);
  plan.notice();
  EXPECT_EQ(plan.next(holding(512, 0)), onward(64));
}

TEST(ClaimPlan, LooksAtTheHeadForNewsDuringASweepAndWhenThereIsEnoughInHand) {
  ClaimPlan during(share);
  during.next(holding(1, 0));
  during.answered(Look::onward, false);
  during.notice();
  EXPECT_EQ(during.next(holding(1, 100)), head(8));
  ClaimPlan enough = idle();
  enough.notice();
  EXPECT_EQ(enough.next(holding(1, 100)), head(8));
}

TEST(ClaimPlan, AsksAgainWhatWasNotAnswered) {
  ClaimPlan plan = idle();
  plan.notice();
  EXPECT_EQ(plan.next(holding(1, 100)), head(8));
  EXPECT_EQ(plan.next(holding(1, 100)), head(8));
  plan.answered(Look::head, false);
  EXPECT_EQ(plan.next(holding(1, 100)), none);
}

TEST(ClaimPlan, LooksOnwardOnceInSoManyLooksWhateverNewsThereIs) {
  ClaimPlan plan(share);
  plan.next(holding(1, 0));
  plan.answered(Look::onward, false);
  int onwards = 0;
  for (int i = 0; i < 80; ++i) {
    plan.notice();
    auto next = plan.next(holding(1, 20));
    ASSERT_TRUE(next);
    onwards += next->look == Look::onward ? 1 : 0;
    plan.answered(next->look, false);
  }
  EXPECT_EQ(onwards, 10);
}

TEST(ClaimPlan, DoesNotLookOnwardForOthersWhenEnoughOfThemIsInHand) {
  ClaimPlan plan(share);
  plan.next(holding(1, 0));
  plan.answered(Look::onward, false);
  for (int i = 0; i < 80; ++i) {
    plan.notice();
    EXPECT_EQ(plan.next({.capacity = 1, .all = 20, .waiting = 20, .milder = 1}), head(8));
    plan.answered(Look::head, false);
  }
}

TEST(ClaimPlan, TakesNothingMoreWhenFarTooMuchIsInHand) {
  ClaimPlan plan(share);
  plan.notice();
  EXPECT_EQ(plan.next(holding(1, 503)), head(8));
  plan.answered(Look::head, false);
  plan.notice();
  EXPECT_EQ(plan.next(holding(1, 504)), none);
  EXPECT_TRUE(plan.wants());
}

}  // namespace
}  // namespace smsd
