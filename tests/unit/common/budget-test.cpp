// SPDX-License-Identifier: GPL-3.0-or-later
// The accounts of a connection: its work, and its calls.
#include "common/rpc/budget.h"

#include <gtest/gtest.h>

namespace smsd::rpc {
namespace {

using namespace std::chrono_literals;

TEST(Budget, RefillsWithTimeUpToItsBurstAndMayBeOverdrawnByOneMessage) {
  Budget budget({.perSecond = 10, .burst = 3});
  budget.spend(3, 1s);
  EXPECT_FALSE(budget.overdrawn());
  budget.spend(2, 1s);
  EXPECT_TRUE(budget.overdrawn());
  EXPECT_NEAR(static_cast<double>(budget.wait(1s).count()), 2e8, 10);
  EXPECT_EQ(budget.wait(1200ms).count(), 0);
  budget.spend(3, 1h);
  EXPECT_FALSE(budget.overdrawn());
  budget.spend(1, 1h);
  EXPECT_TRUE(budget.overdrawn());
}

TEST(Budget, TakesFirstWhatWasEarnedWhichNeverExceedsItsOwnBound) {
  Budget budget({.perSecond = 1, .burst = 1});
  for (int i = 0; i < 1000; ++i) budget.earn(16, 32);
  budget.spend(33, 1s);
  EXPECT_FALSE(budget.overdrawn());
  budget.spend(1, 1s);
  EXPECT_TRUE(budget.overdrawn());
}

TEST(Calls, HoldAPlaceUntilTheyAreBothAnsweredAndFinished) {
  Calls calls(2);
  EXPECT_EQ(calls.open(1), Calls::Opened::well);
  EXPECT_EQ(calls.open(1), Calls::Opened::twice);
  EXPECT_EQ(calls.open(2), Calls::Opened::well);
  EXPECT_EQ(calls.open(3), Calls::Opened::tooMany);
  EXPECT_TRUE(calls.finished(1));
  EXPECT_FALSE(calls.finished(1));
  EXPECT_EQ(calls.open(3), Calls::Opened::tooMany);
  EXPECT_TRUE(calls.due());
  calls.answered(1);
  calls.answered(2);
  EXPECT_FALSE(calls.due());
  EXPECT_EQ(calls.open(3), Calls::Opened::well);
  EXPECT_FALSE(calls.finished(4711));
}

// Cap'n Proto 1.0 and newer: Return.noFinishNeeded.
TEST(Calls, UseANumberAgainWithoutAFinishIfTheAnswerNeedsNone) {
  Calls calls(2);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(calls.open(1), Calls::Opened::well) << i;
    EXPECT_EQ(calls.open(1), Calls::Opened::twice) << i;
    calls.answered(1, Calls::Finish::optional);
    EXPECT_EQ(calls.size(), 0u);
  }
  EXPECT_TRUE(calls.finished(1)) << "an older peer finishes it all the same";
  EXPECT_TRUE(calls.finished(1));
  EXPECT_TRUE(calls.finished(1));
  EXPECT_FALSE(calls.finished(1)) << "no more often than it was answered";
  EXPECT_EQ(calls.open(2), Calls::Opened::well);
  EXPECT_TRUE(calls.finished(2));
  calls.answered(2, Calls::Finish::optional);
  EXPECT_EQ(calls.size(), 0u);
  EXPECT_FALSE(calls.finished(2)) << "it has finished it before the answer";
}

}  // namespace
}  // namespace smsd::rpc
