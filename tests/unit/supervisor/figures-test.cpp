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
  figures.noteIgnored("first");
  timer.advanceTo(timer.now() + 1 * kj::SECONDS);
  figures.noteIgnored("second");
  timer.advanceTo(timer.now() + 3 * kj::SECONDS);
  auto last = KJ_ASSERT_NONNULL(figures.lastIgnored());
  EXPECT_EQ(last.why, "second");
  EXPECT_EQ(last.ago, 3 * kj::SECONDS);
}

}  // namespace
}  // namespace smsd::road
