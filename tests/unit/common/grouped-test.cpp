// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/text/grouped.h"

#include <gtest/gtest.h>

namespace smsd::text {
namespace {

TEST(Grouped, PutsACommaBetweenThousands) {
  EXPECT_EQ(text::grouped(0), "0");
  EXPECT_EQ(text::grouped(999), "999");
  EXPECT_EQ(text::grouped(1'000), "1,000");
  EXPECT_EQ(text::grouped(123'456), "123,456");
  EXPECT_EQ(text::grouped(18'446'744'073'709'551'615u), "18,446,744,073,709,551,615");
}

}  // namespace
}  // namespace smsd::text
