// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/lost-messages.h"

#include <gtest/gtest.h>

namespace smsd::road {
namespace {

using namespace std::chrono_literals;
using Ids = std::vector<format::MessageId>;

std::uint64_t countOf(const LostMessages& lost, LostMessages::Time now,
                      const LostMessages::Checked& checked = {}) {
  const auto sum = lost.summary(now, checked);
  return sum ? sum->messages : 0;
}

TEST(LostMessages, CountUntilTheQueueHasThemAsSomethingElse) {
  LostMessages lost;
  EXPECT_EQ(lost.summary(1s), std::nullopt);
  lost.add(10s, "refused", {1, 2}, 2);
  lost.add(20s, "given up", {3}, 1);
  const auto sum = lost.summary(30s);
  ASSERT_TRUE(sum);
  EXPECT_EQ(sum->messages, 3u);
  EXPECT_EQ(sum->why, "given up");
  EXPECT_EQ(sum->message, 3);
  EXPECT_EQ(sum->at, 20s);
  EXPECT_EQ(lost.ids(30s), (Ids{1, 2, 3}));
  const auto fewer = lost.summary(30s, {{1, 2, 3}, {1, 2}});
  ASSERT_TRUE(fewer);
  EXPECT_EQ(fewer->messages, 2u);
  EXPECT_EQ(fewer->why, "refused") << "the last that is still ignored";
  EXPECT_EQ(countOf(lost, 30s, {{1, 2, 3}, {}}), 0u);
  EXPECT_EQ(countOf(lost, 30s, {{1, 2}, {}}), 1u) << "the queue was not asked for 3";
}

TEST(LostMessages, CountOnceIfTheyAreLostAgain) {
  LostMessages lost;
  lost.add(10s, "refused", {1, 2}, 2);
  lost.add(20s, "refused again", {1}, 1);
  EXPECT_EQ(countOf(lost, 30s), 2u);
  EXPECT_EQ(lost.ids(30s), (Ids{2, 1}));
  lost.add(40s, "given up", {1, 2}, 2);
  const auto sum = lost.summary(50s);
  ASSERT_TRUE(sum);
  EXPECT_EQ(sum->messages, 2u);
  EXPECT_EQ(sum->why, "given up");
}

TEST(LostMessages, AreForgottenAfterADay) {
  LostMessages lost;
  lost.add(1h, "refused", {1}, 1);
  lost.add(2h, "expired", {}, 5);
  EXPECT_EQ(countOf(lost, 24h), 6u);
  EXPECT_EQ(countOf(lost, 25h), 5u);
  EXPECT_EQ(lost.ids(25h), Ids{});
  EXPECT_EQ(countOf(lost, 27h), 0u);
}

TEST(LostMessages, WithoutIdsAreCountedAndTheOldestOfTooManyAsWell) {
  LostMessages lost;
  lost.add(1s, "expired", {}, 7);
  EXPECT_EQ(countOf(lost, 2s, {{1}, {}}), 7u);
  for (std::size_t id = 0; id < LostMessages::mostIds + 5; ++id)
    lost.add(3s, "refused", {static_cast<format::MessageId>(id)}, 1);
  EXPECT_EQ(lost.ids(4s).size(), LostMessages::mostIds);
  EXPECT_EQ(countOf(lost, 4s), 7 + LostMessages::mostIds + 5);
}

}  // namespace
}  // namespace smsd::road
