// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/figures.h"

#include <gtest/gtest.h>
#include <kj/debug.h>
#include <kj/timer.h>

namespace smsd::road {
namespace {

TEST(Figures, CountsAndKnowsTheLastReason) {
  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
  Figures figures(timer);
  EXPECT_EQ(figures.sent(), 0u);
  EXPECT_EQ(figures.ignored(), 0u);
  EXPECT_TRUE(figures.lastIgnored() == nullptr);
  figures.countSent(2);
  figures.countSent(3);
  figures.countIgnored(1);
  EXPECT_EQ(figures.sent(), 5u);
  EXPECT_EQ(figures.ignored(), 1u);
  figures.noteIgnored(Ignored::refused, "first", 1, {7});
  timer.advanceTo(timer.now() + 1 * kj::SECONDS);
  figures.noteIgnored(Ignored::empty, "second", 1, {8});
  timer.advanceTo(timer.now() + 3 * kj::SECONDS);
  auto last = KJ_ASSERT_NONNULL(figures.lastIgnored());
  EXPECT_EQ(last.why, "second");
  EXPECT_EQ(last.ago, 3 * kj::SECONDS);
  EXPECT_EQ(last.message, 8);
  auto lost = KJ_ASSERT_NONNULL(figures.lost({}));
  EXPECT_EQ(lost.messages, 1u);
  EXPECT_EQ(lost.last.why, "first") << "an empty text is lost to nobody";
  EXPECT_EQ(lost.last.ago, 4 * kj::SECONDS);
  EXPECT_EQ(lost.last.message, 7);
  EXPECT_EQ(figures.lostIds(), std::vector<format::MessageId>{7});
  EXPECT_TRUE(figures.lost({{7}, {}}) == nullptr) << "an operator made it unsent again";
}

TEST(Figures, CountsTheIgnoredOfADayForEachReason) {
  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
  Figures figures(timer);
  figures.noteIgnored(Ignored::givenUp, "first", 3);
  EXPECT_EQ(figures.ignoredInAll(Ignored::givenUp), 3u);
  EXPECT_EQ(figures.ignoredInAll(Ignored::refused), 0u);
  figures.noteLeftOut(2);
  timer.advanceTo(timer.now() + 12 * kj::HOURS);
  figures.noteIgnored(Ignored::givenUp, "second", 1);
  EXPECT_EQ(figures.ignoredWithinADay(Ignored::givenUp), 4u);
  EXPECT_EQ(figures.ignoredWithinADay(Ignored::leftOut), 2u);
  EXPECT_EQ(figures.ignoredWithinADay(Ignored::refused), 0u);
  timer.advanceTo(timer.now() + 13 * kj::HOURS);
  EXPECT_EQ(figures.ignoredWithinADay(Ignored::givenUp), 1u);
  EXPECT_EQ(figures.ignoredWithinADay(Ignored::leftOut), 0u);
}

TEST(Figures, KnowsTheRateOfTheLastMinuteAndHour) {
  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
  Figures figures(timer);
  figures.countSent(5);
  timer.advanceTo(timer.now() + 30 * kj::MINUTES);
  figures.countSent(2);
  EXPECT_EQ(figures.sentWithin(std::chrono::minutes(1)), 2u);
  EXPECT_EQ(figures.sentWithin(std::chrono::hours(1)), 7u);
  timer.advanceTo(timer.now() + 2 * kj::HOURS);
  EXPECT_EQ(figures.sentWithin(std::chrono::hours(1)), 0u);
  EXPECT_EQ(figures.sent(), 7u);
}

TEST(Figures, KnowsTheLastStepOfTheClockForADay) {
  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
  Figures figures(timer);
  EXPECT_TRUE(figures.lastClockStep() == nullptr);
  figures.noteClockStep(std::chrono::hours(2));
  timer.advanceTo(timer.now() + 1 * kj::HOURS);
  figures.noteClockStep(-std::chrono::minutes(90));
  timer.advanceTo(timer.now() + 23 * kj::HOURS);
  auto last = KJ_ASSERT_NONNULL(figures.lastClockStep());
  EXPECT_EQ(last.step, -std::chrono::minutes(90));
  EXPECT_EQ(last.ago, 23 * kj::HOURS);
  timer.advanceTo(timer.now() + 1 * kj::HOURS);
  EXPECT_TRUE(figures.lastClockStep() == nullptr);
}

TEST(Figures, CountsWhatWasReplaced) {
  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
  Figures figures(timer);
  figures.countReplaced(0);
  EXPECT_TRUE(figures.rowsReplaced() == nullptr);
  EXPECT_TRUE(figures.fileReplaced() == nullptr);
  figures.countReplaced(2);
  figures.noteFileReplaced("was replaced");
  timer.advanceTo(timer.now() + 5 * kj::SECONDS);
  figures.countReplaced(3);
  figures.noteFileReplaced("was removed");
  timer.advanceTo(timer.now() + 7 * kj::SECONDS);
  figures.countReplaced(0);
  auto rows = KJ_ASSERT_NONNULL(figures.rowsReplaced());
  EXPECT_EQ(rows.times, 5u);
  EXPECT_EQ(rows.ago, 7 * kj::SECONDS);
  auto file = KJ_ASSERT_NONNULL(figures.fileReplaced());
  EXPECT_EQ(file.times, 2u);
  EXPECT_EQ(file.ago, 7 * kj::SECONDS);
  EXPECT_EQ(file.how, "was removed");
}

}  // namespace
}  // namespace smsd::road
