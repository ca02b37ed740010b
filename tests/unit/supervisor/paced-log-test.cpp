// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/paced-log.h"

#include <gtest/gtest.h>

namespace smsd::road {
namespace {

using namespace std::chrono_literals;

TEST(PacedLog, NamesARecipientOnceInAWindow) {
  PacedLog log;
  const auto now = kj::origin<kj::TimePoint>();
  const queue::PacedRecipient kari{"kari", {pace::Departure::afterWindow, 60s}};
  EXPECT_TRUE(log.isNews(kari, now));
  EXPECT_FALSE(log.isNews({"kari", {pace::Departure::afterWindow, 1s}}, now + 59 * kj::SECONDS));
  EXPECT_TRUE(log.isNews({"ola", {pace::Departure::afterWindow, 1s}}, now + 59 * kj::SECONDS));
  EXPECT_TRUE(log.isNews(kari, now + 60 * kj::SECONDS));
  EXPECT_FALSE(log.isNews(kari, now + 60 * kj::SECONDS));
}

TEST(PacedLog, ForgetsRecipientsWhoseWindowIsOver) {
  PacedLog log;
  auto now = kj::origin<kj::TimePoint>();
  for (int i = 0; i < 10'000; ++i, now += 1 * kj::SECONDS)
    EXPECT_TRUE(log.isNews({std::to_string(i), {pace::Departure::afterWindow, 10s}}, now));
  EXPECT_LT(log.size(), 200u);
}

}  // namespace
}  // namespace smsd::road
