// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/tally.h"

#include <gtest/gtest.h>

#include <tuple>

namespace smsd::keeper {
namespace {

using Kind = delivery::OutcomeKind;

TEST(Tally, CountsEachOutcomeAndTakesFromTheDayThoseThatMayCost) {
  struct Row {
    Kind kind;
    Counts counts;
    std::size_t left;  // of 10
  };
  for (auto [kind, counts, left] : {Row{Kind::accepted, {.accepted = 1}, 9},
                                    {Kind::refused, {.refused = 1}, 10},
                                    {Kind::deferred, {.deferred = 1}, 10},
                                    {Kind::broken, {.broken = 1}, 10},
                                    {Kind::unknown, {.unknown = 1}, 9}}) {
    auto all = [](const Counts& of) {
      return std::tuple(of.accepted, of.refused, of.deferred, of.broken, of.unknown);
    };
    Tally tally({.perDay = 10});
    EXPECT_FALSE(tally.count(kind));
    EXPECT_EQ(all(tally.counts()), all(counts)) << int(kind);
    EXPECT_EQ(tally.allowance(std::nullopt, 0), left) << int(kind);
  }
}

TEST(Tally, KeepsTheReserveForTheSevereAndCountsThoseInFlight) {
  Tally tally({.perDay = 10, .reserve = 4, .reserveFor = 2});
  EXPECT_EQ(tally.reserveFor(), 2);
  EXPECT_EQ(tally.allowance(2, 1), 9u);
  EXPECT_EQ(tally.allowance(3, 1), 5u);
  tally.configure({.perDay = 20, .reserve = 0, .reserveFor = 1});
  EXPECT_EQ(tally.allowance(3, 1), 19u);
  tally.configure({});
  EXPECT_EQ(tally.allowance(3, 1), SIZE_MAX) << "no limit";
}

TEST(Tally, ReturnsOnceThatTodaysCountCannotBeKept) {
  Tally tally({.perDay = 10});
  EXPECT_FALSE(tally.countIn("/nonexistent/folder/count")) << "a file that is missing counts as 0";
  EXPECT_TRUE(tally.count(Kind::accepted));
  EXPECT_FALSE(tally.count(Kind::accepted)) << "it is known";
  EXPECT_EQ(tally.allowance(std::nullopt, 0), 8u) << "the count goes on in memory";
}

}  // namespace
}  // namespace smsd::keeper
