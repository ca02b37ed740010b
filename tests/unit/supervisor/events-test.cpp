// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/events/events.h"

#include <gtest/gtest.h>

namespace smsd::events {
namespace {

TEST(Masked, KeepsSoMuchOfANumberThatItsOwnerKnowsIt) {
  EXPECT_EQ(events::masked("+4799887766"), "+47******66");
  EXPECT_EQ(events::masked("12345"), "*****");
  EXPECT_EQ(events::masked(""), "");
}

}  // namespace
}  // namespace smsd::events
