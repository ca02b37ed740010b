// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/delivery/backoff.h"

#include <gtest/gtest.h>

#include <climits>

namespace smsd::delivery {
namespace {

using namespace std::chrono_literals;

// C10, C34: never culled for good, never a delay that shrinks or runs away.
TEST(Backoff, GrowsByItsFactorAndStopsAtItsBound) {
  Backoff backoff{30s, 1.5, 1h};
  EXPECT_EQ(backoff.after(1), 30s);
  EXPECT_EQ(backoff.after(2), 45s);
  EXPECT_EQ(backoff.after(3), 67500ms);
  std::chrono::milliseconds before{0};
  for (int n = 1; n < 100'000; n = n * 3 / 2 + 1) {
    EXPECT_GE(backoff.after(n), before);
    EXPECT_LE(backoff.after(n), 1h);
    before = backoff.after(n);
  }
  EXPECT_EQ(before, 1h);
}

TEST(Backoff, OfAFactorOfOneStaysAsItIsAfterAnyNumberOfFailures) {
  EXPECT_EQ((Backoff{30s, 1, 1h}.after(INT_MAX)), 30s);
  EXPECT_EQ((Backoff{30s, 1.5, 1h}.after(INT_MAX)), 1h);
  EXPECT_EQ((Backoff{2h, 1, 1h}.after(1)), 1h);
}

}  // namespace
}  // namespace smsd::delivery
