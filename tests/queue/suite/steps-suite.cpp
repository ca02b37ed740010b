// SPDX-License-Identifier: GPL-3.0-or-later
// Acts of an operator on many rows, in steps.
#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue {

namespace {

class ActsInSteps : public QueueSuite {};
SMSD_FOR_EACH_BACKEND(ActsInSteps);

}  // namespace

TEST_P(ActsInSteps, ACancelInStepsTakesWhatIsChosenAndLeavesWhatWasClaimedMeanwhile) {
  std::vector<format::MessageId> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(store().put({.phone = std::to_string(i), .severity = 6 - i}));
  if (!queue().cancelsInSteps()) return;
  EXPECT_EQ(queue().cancellable({}, 100), ids);
  EXPECT_EQ(queue().cancellable({}, 2).size(), 2u);
  EXPECT_EQ(queue().cancellable({.recipient = "3"}, 100), std::vector<format::MessageId>{ids[3]});
  claim(1);  // the most severe one is under way: that of 5
  const auto late = store().put({.phone = "7"});
  const auto first = queue().cancelThese({ids[0], ids[1], ids[2]}, 2);
  EXPECT_EQ(first.count, 3u);
  ASSERT_EQ(first.messages.size(), 2u);
  EXPECT_EQ(first.messages[0].id, ids[0]);
  EXPECT_EQ(first.messages[0].status, SentStatus::ignored);
  const auto second = queue().cancelThese({ids[2], ids[3], ids[4], ids[5]}, 9);
  EXPECT_EQ(second.count, 2u) << "one was cancelled before, and one is under way";
  EXPECT_EQ(store().sent(ids[4]), 'I');
  EXPECT_EQ(store().sent(ids[5]), 'N');
  EXPECT_EQ(store().sent(late), 'N');
  EXPECT_EQ(store().one("SELECT count(*) FROM " + store().own("ignored") + " WHERE reason = 'cancelled'"),
            "5");
  EXPECT_EQ(queue().cancelThese({}, 9).count, 0u);
}

TEST_P(ActsInSteps, ACancelInStepsForgetsTheWaitsOfThoseWhoHaveNothingLeft) {
  const auto id = store().put({.phone = "1"});
  store().put({.phone = "2"});
  std::vector<Settlement> settlements;
  for (const auto& submission : claim().submissions) settlements.push_back(returned(submission, 1h));
  queue().settle(settlements);
  if (!queue().cancelsInSteps()) return;
  EXPECT_EQ(queue().cancelThese({id}, 0).count, 1u);
  EXPECT_EQ(store().one("SELECT recipient FROM " + store().own("wait")), "2");
}

TEST_P(ActsInSteps, AllWaitsEndInSteps) {
  for (int i = 0; i < 5; ++i) store().put({.phone = std::to_string(i)});
  std::vector<Settlement> settlements;
  for (const auto& submission : claim().submissions) settlements.push_back(returned(submission, 1h));
  queue().settle(settlements);
  EXPECT_GE(queue().endSomeWaits(2), 2u);
  while (queue().endSomeWaits(2) > 0) continue;
  EXPECT_EQ(claim().submissions.size(), 5u);
}

}  // namespace smsd::queue
