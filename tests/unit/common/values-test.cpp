// SPDX-License-Identifier: GPL-3.0-or-later
// Durations: a number and one unit.
#include "common/config/values.h"

#include <gtest/gtest.h>

#include <limits>

#include "common/config/keys.h"

namespace smsd::config {
namespace {

using namespace std::chrono_literals;

TEST(Duration, IsANumberAndOneUnit) {
  EXPECT_EQ(parseDuration("500ms"), 500ms);
  EXPECT_EQ(parseDuration("30s"), 30s);
  EXPECT_EQ(parseDuration("5m"), 5min);
  EXPECT_EQ(parseDuration("1h"), 1h);
  EXPECT_EQ(parseDuration("2d"), 48h);
  EXPECT_EQ(parseDuration("0"), 0ms);
  for (const char* text : {"", "s", "30", "1h30m", "1.5s", "-1s", "+1s", " 1s", "1s ", "1 s", "1S", "1w",
                           "0x1s", "99999999999999999999s", "9223372036854775807d"})
    EXPECT_EQ(parseDuration(text), std::nullopt) << text;
}

TEST(Duration, IsReadBackAsItWasPrinted) {
  for (const Milliseconds value :
       {0ms, 1ms, 999ms, Milliseconds(1s), 1001ms, Milliseconds(90s), Milliseconds(24h), Milliseconds(25h),
        Milliseconds(std::numeric_limits<std::int64_t>::max())})
    EXPECT_EQ(parseDuration(printDuration(value)), value) << printDuration(value);
}

}  // namespace
}  // namespace smsd::config
