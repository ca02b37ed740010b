// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/text/age.h"

#include <gtest/gtest.h>

#include "common/config/keys.h"

namespace smsd::text {
namespace {

using namespace std::chrono_literals;

TEST(Age, HasAtMostTwoUnits) {
  const std::pair<std::uint64_t, const char*> rows[] = {
      {0, "0s"},          {59, "59s"},  {60, "1m"},        {90, "1m 30s"},     {299, "4m 59s"},
      {7199, "119m 59s"}, {7200, "2h"}, {11520, "3h 12m"}, {95400, "26h 30m"}, {187200, "2d 4h"}};
  for (const auto& [seconds, expected] : rows) EXPECT_EQ(age(seconds), expected);
}

TEST(Age, HasTheUnitsOfARoughDuration) {
  EXPECT_EQ(config::roughly(90s), "1m 30s");
  EXPECT_EQ(config::roughly(298500ms), "4m 59s") << "rounded up";
  EXPECT_EQ(config::roughly(3h + 51min), "3h 51m");
}

}  // namespace
}  // namespace smsd::text
