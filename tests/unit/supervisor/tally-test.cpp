// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/tally.h"

#include <gtest/gtest.h>
#include <kj/debug.h>
#include <kj/timer.h>

namespace smsd::road {
namespace {

TEST(Tally, CountsAndKnowsTheLastReason) {
  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
  Tally tally(timer);
  EXPECT_EQ(tally.sent(), 0u);
  EXPECT_EQ(tally.ignored(), 0u);
  EXPECT_TRUE(tally.lastIgnored() == nullptr);
  tally.countSent(2);
  tally.countSent(3);
  tally.countIgnored(1);
  EXPECT_EQ(tally.sent(), 5u);
  EXPECT_EQ(tally.ignored(), 1u);
  tally.noteIgnored("first");
  timer.advanceTo(timer.now() + 1 * kj::SECONDS);
  tally.noteIgnored("second");
  timer.advanceTo(timer.now() + 3 * kj::SECONDS);
  auto last = KJ_ASSERT_NONNULL(tally.lastIgnored());
  EXPECT_EQ(last.why, "second");
  EXPECT_EQ(last.ago, 3 * kj::SECONDS);
}

}  // namespace
}  // namespace smsd::road
