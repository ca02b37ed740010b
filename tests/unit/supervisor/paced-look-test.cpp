// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/paced-look.h"

#include <gtest/gtest.h>

namespace smsd::control {
namespace {

TEST(PacedLook, IsReusedAHundredTimesAsLongAsItTookWithinBounds) {
  EXPECT_EQ(PacedLook::reusedFor(1 * kj::MILLISECONDS), 1 * kj::SECONDS);
  EXPECT_EQ(PacedLook::reusedFor(40 * kj::MILLISECONDS), 4 * kj::SECONDS);
  EXPECT_EQ(PacedLook::reusedFor(2 * kj::SECONDS), 10 * kj::SECONDS);
}

}  // namespace
}  // namespace smsd::control
