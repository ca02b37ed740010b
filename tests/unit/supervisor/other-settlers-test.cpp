// SPDX-License-Identifier: GPL-3.0-or-later
// The criterion by which another program that settles messages is told from an operator.
#include "supervisor/queue/other-settlers.h"

#include <gtest/gtest.h>

namespace smsd::queue {
namespace {

using namespace std::chrono_literals;

const OtherSettlers::Clock::time_point start{};

TEST(OtherSettlers, ThreeTimesWithinAnHourAreASign) {
  OtherSettlers others;
  others.marked({{1, "10:00"}, {2, "10:01"}}, start);
  EXPECT_EQ(others.sign(), "");
  others.marked({{1, "10:00"}, {2, "10:01"}}, start + 15s);  // seen again
  EXPECT_EQ(others.sign(), "");
  others.marked({{3, "10:02"}}, start + 59min);
  EXPECT_NE(others.sign(), "");
}

TEST(OtherSettlers, OneStatementIsOneTime) {
  OtherSettlers others;
  others.marked({{1, "10:00"}, {2, "10:00"}, {3, "10:00"}, {4, "10:00"}}, start);
  EXPECT_EQ(others.sign(), "");
}

TEST(OtherSettlers, TheSignEndsAnHourAfterTheLastMark) {
  OtherSettlers others;
  others.marked({{1, "10:00"}, {2, "10:01"}, {3, "10:02"}}, start);
  EXPECT_NE(others.sign(), "");
  others.marked({{1, "10:00"}, {2, "10:01"}, {3, "10:02"}}, start + 61min);
  EXPECT_EQ(others.sign(), "");
}

TEST(OtherSettlers, ASessionIsASignAsLongAsItLasts) {
  OtherSettlers others;
  others.sessions(1);
  EXPECT_NE(others.sign(), "");
  others.sessions(0);
  EXPECT_EQ(others.sign(), "");
}

}  // namespace
}  // namespace smsd::queue
