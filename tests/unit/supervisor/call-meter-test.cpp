// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/call-meter.h"

#include <gtest/gtest.h>

namespace smsd::road {
namespace {

using namespace std::chrono_literals;

TEST(CallMeter, MeasuresTheCallInProgressAndCountsErrors) {
  CallMeter calls;
  calls.began(Call::claim, 100us);
  calls.answered(350us);
  calls.began(Call::settle, 400us);
  calls.answered(500us);
  calls.failed(queue::QueueError::Kind::fenced);
  EXPECT_EQ(calls.took()[static_cast<std::size_t>(Call::claim)].sum(), 250us);
  EXPECT_EQ(calls.took()[static_cast<std::size_t>(Call::settle)].sum(), 100us);
  EXPECT_EQ(calls.errors()[5], 1u);
  EXPECT_STREQ(errorNames[5], "fenced");
}

}  // namespace
}  // namespace smsd::road
