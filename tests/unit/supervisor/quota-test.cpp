// SPDX-License-Identifier: GPL-3.0-or-later
// What a day's limit leaves, to whom.
#include "supervisor/delivery/quota.h"

#include <gtest/gtest.h>

namespace smsd::delivery {
namespace {

constexpr std::optional<int> none;

TEST(Quota, WithoutALimitLeavesEverything) {
  Quota quota({});
  for (int i = 0; i < 1000; ++i) quota.count(1);
  EXPECT_EQ(quota.left(none, 1000, 1), SIZE_MAX);
}

TEST(Quota, KeepsItsReserveForTheSevere) {
  Quota quota({.perDay = 10, .reserve = 3, .reserveFor = 2});
  EXPECT_EQ(quota.left(1, 0, 5), 10U);
  EXPECT_EQ(quota.left(2, 0, 5), 10U);
  EXPECT_EQ(quota.left(3, 0, 5), 7U);
  EXPECT_EQ(quota.left(none, 0, 5), 7U) << "no severity is the least severe";
  for (int i = 0; i < 7; ++i) quota.count(5);
  EXPECT_EQ(quota.left(3, 0, 5), 0U);
  EXPECT_EQ(quota.left(1, 0, 5), 3U);
  EXPECT_EQ(quota.left(1, 2, 5), 1U) << "what is under way may cost, too";
  EXPECT_EQ(quota.left(1, 9, 5), 0U);
  EXPECT_EQ(quota.left(3, 9, 5), 0U);
}

TEST(Quota, BeginsAnewAtMidnight) {
  Quota quota({.perDay = 2});
  quota.count(5);
  quota.count(5);
  EXPECT_EQ(quota.left(1, 0, 5), 0U);
  EXPECT_EQ(quota.left(1, 0, 6), 2U);
  quota.count(6);
  EXPECT_EQ(quota.left(1, 0, 6), 1U);
}

TEST(Quota, IsNotGivenOnceMoreWhereTheClockIsSetBackOverMidnight) {
  Quota quota({.perDay = 2});
  quota.count(5);
  quota.count(6);
  quota.count(6);
  EXPECT_EQ(quota.left(1, 0, 5), 0U);
  quota.count(5);
  EXPECT_EQ(quota.left(1, 0, 6), 0U) << "it is the same night";
  EXPECT_EQ(quota.left(1, 0, 7), 2U);
}

TEST(Quota, OfADayThatAWrongClockHadFarAheadHoldsNobodyUp) {
  Quota quota({.perDay = 2});
  quota.count(500);
  quota.count(500);
  EXPECT_EQ(quota.left(1, 0, 5), 2U);
  quota.count(5);
  EXPECT_EQ(quota.left(1, 0, 5), 1U);
}

TEST(Quota, ThatAReloadMakesSmallerThanWhatWasUsedLeavesNothing) {
  Quota quota({.perDay = 10});
  for (int i = 0; i < 8; ++i) quota.count(5);
  quota.configure({.perDay = 4});
  EXPECT_EQ(quota.left(1, 0, 5), 0U);
}

TEST(Quota, KnowsTheDayAndHowMuchOfItIsLeft) {
  EXPECT_GT(today(), 2020 * 366);
  EXPECT_GT(untilTomorrow(), std::chrono::seconds(0));
  EXPECT_LE(untilTomorrow(), std::chrono::hours(24));
}

}  // namespace
}  // namespace smsd::delivery
