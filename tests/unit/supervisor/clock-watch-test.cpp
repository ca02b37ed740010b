// SPDX-License-Identifier: GPL-3.0-or-later
// The database's clock may be stepped: what an age is then.
#include "supervisor/queue/clock-watch.h"

#include <gtest/gtest.h>

namespace smsd::queue {
namespace {

using namespace std::chrono_literals;

constexpr Duration start = 1'000'000h;

TEST(ClockWatch, KnowsNoStepWhereBothClocksGoOn) {
  ClockWatch watch;
  watch.see(start, 5h);
  watch.see(start + 30min + 1s, 5h + 30min);  // a reading that took a second
  watch.see(start + 20h, 25h);
  EXPECT_EQ(watch.takeStep(), std::nullopt);
  EXPECT_EQ(watch.stretched(1h), 1h);
  EXPECT_EQ(watch.aheadSince(start), 0h);
}

TEST(ClockWatch, AStepAheadMakesNothingOlderThatWasWrittenBeforeIt) {
  ClockWatch watch;
  watch.see(start, 0h);
  watch.see(start + 2h + 1min, 1min);
  EXPECT_EQ(watch.takeStep(), 2h);
  EXPECT_EQ(watch.takeStep(), std::nullopt) << "said once";
  EXPECT_EQ(watch.aheadSince(start), 2h);
  EXPECT_EQ(watch.aheadSince(start + 2h + 1min), 0h) << "written since";
  EXPECT_EQ(watch.stretched(1h), 3h) << "a message from before is two hours younger than it looks";
  watch.see(start + 3h, 1h);
  EXPECT_EQ(watch.stretched(1h), 3h);
  watch.see(start + 3h + 2min, 1h + 2min);
  EXPECT_EQ(watch.stretched(1h), 1h) << "what was written before the step is older than that by now";
}

TEST(ClockWatch, AStepBackMakesNothingOlderAndIsSaid) {
  ClockWatch watch;
  watch.see(start, 0h);
  watch.see(start - 2h, 0h);
  EXPECT_EQ(watch.takeStep(), -2h);
  EXPECT_EQ(watch.stretched(1h), 1h);
  EXPECT_EQ(watch.aheadSince(start), 0h);
}

TEST(ClockWatch, StepsAddUpWhereAnAgeReachesBehindSeveralOfThem) {
  ClockWatch watch;
  watch.see(start, 0h);
  watch.see(start + 2h, 0h);
  watch.see(start + 5h, 0h);
  EXPECT_EQ(watch.takeStep(), 5h);
  EXPECT_EQ(watch.stretched(1h), 6h);
  EXPECT_EQ(watch.aheadSince(start), 5h);
  EXPECT_EQ(watch.aheadSince(start + 2h), 3h);
}

TEST(ClockWatch, TwoStepsThatCancelOutAreNoStep) {
  ClockWatch watch;
  watch.see(start, 0h);
  watch.see(start + 2h, 0h);
  watch.see(start + 1s, 0h);  // back again, read a second later
  EXPECT_EQ(watch.takeStep(), std::nullopt);
  EXPECT_EQ(watch.stretched(1h), 3h) << "a message of the two hours between still looks older than it is";
}

}  // namespace
}  // namespace smsd::queue
