// SPDX-License-Identifier: GPL-3.0-or-later
// The steps of a cancel of many messages.
#include "supervisor/queue/cancel-steps.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace smsd::queue {
namespace {

std::vector<format::MessageId> ids(std::size_t count) {
  std::vector<format::MessageId> list(count);
  std::iota(list.begin(), list.end(), 1);
  return list;
}

Cancelled step(const std::vector<format::MessageId>& messages, std::size_t listed) {
  Cancelled cancelled{messages.size(), {}};
  for (std::size_t i = 0; i < std::min(listed, messages.size()); ++i)
    cancelled.messages.emplace_back().id = messages[i];
  return cancelled;
}

TEST(CancelSteps, TakeEachMessageOnceAndListTheFirstOnes) {
  const std::size_t count = 2 * CancelSteps::size + 7;
  for (const std::size_t listed : {std::size_t(0), std::size_t(30), CancelSteps::size + 5}) {
    CancelSteps steps(ids(count), listed);
    std::vector<format::MessageId> taken;
    int times = 0;
    for (; !steps.over(); ++times) {
      const auto messages = steps.next();
      EXPECT_LE(messages.size(), CancelSteps::size);
      taken.insert(taken.end(), messages.begin(), messages.end());
      steps.did(step(messages, steps.toList()));
    }
    EXPECT_EQ(times, 3);
    EXPECT_EQ(taken, ids(count));
    const Cancelled done = steps.takeDone();
    EXPECT_EQ(done.count, count);
    ASSERT_EQ(done.messages.size(), std::max(listed, CancelSteps::alwaysListed));
    EXPECT_EQ(done.messages.back().id, static_cast<format::MessageId>(done.messages.size()));
  }
}

TEST(CancelSteps, ACancelOfNothingHasNoStep) { EXPECT_TRUE(CancelSteps({}, 10).over()); }

TEST(CancelSteps, AnErrorHalfWaySaysHowManyWereDone) {
  CancelSteps steps(ids(5000), 0);
  steps.did(step(steps.next(), steps.toList()));
  EXPECT_EQ(
      steps.endedEarly("the disk is full"),
      "2000 of 5000 messages were cancelled; then: the disk is full; repeat the command for the others");
}

}  // namespace
}  // namespace smsd::queue
