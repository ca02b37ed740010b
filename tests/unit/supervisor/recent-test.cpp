// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/recent.h"

#include <gtest/gtest.h>

namespace smsd::road {
namespace {

using namespace std::chrono_literals;

TEST(Recent, SumsTheSlicesOfASpan) {
  Recent recent(10s, 7);
  EXPECT_EQ(recent.within(0s, 60s), 0u);
  recent.add(0s, 1);
  recent.add(9s, 2);
  recent.add(10s, 4);
  recent.add(61s, 8);
  EXPECT_EQ(recent.within(61s, 0s), 8u);
  EXPECT_EQ(recent.within(61s, 50s), 12u);
  EXPECT_EQ(recent.within(61s, 60s), 15u);
  EXPECT_EQ(recent.within(70s, 60s), 12u) << "time passes without an event";
  EXPECT_EQ(recent.within(130s, 60s), 0u) << "it lies before the slice of 70 s";
}

TEST(Recent, ForgetsWhatIsOlderThanItsSlices) {
  Recent recent(10s, 3);
  recent.add(5s, 1);
  recent.add(25s, 2);
  EXPECT_EQ(recent.within(25s, 1h), 3u);
  recent.add(35s, 4);
  EXPECT_EQ(recent.within(35s, 1h), 6u);
  recent.add(100'000s, 8);
  EXPECT_EQ(recent.within(100'000s, 1h), 8u) << "all slices in between were empty";
  recent.add(50'000s, 16);
  EXPECT_EQ(recent.within(100'000s, 0s), 24u) << "a time that goes back counts now";
}

}  // namespace
}  // namespace smsd::road
