// SPDX-License-Identifier: GPL-3.0-or-later
// The history: kept for a while, then forgotten in small steps, and nothing else with it.
#include <algorithm>

#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue {

namespace {

class History : public QueueSuite {
 protected:
  std::string count(const std::string& table) {
    return store().one("SELECT count(*) FROM " + store().own(table));
  }
  /// Everything that is there now happened so long ago.
  void age(std::chrono::seconds by) {
    for (const char* column : {"created", "ended"})
      store().sql("UPDATE " + store().own("submission") + " SET " + column + " = " + store().timeAgo(by) +
                  " WHERE " + column + " IS NOT NULL");
    store().sql("UPDATE " + store().own("ignored") + " SET at = " + store().timeAgo(by));
  }
  Purge purge(std::size_t most = 100) { return queue().purge(24h, most); }
};
SMSD_FOR_EACH_BACKEND(History);

}  // namespace

TEST_P(History, WhatEndedLongAgoIsForgottenWithItsAttemptsAndNavKeepsItsRows) {
  auto sent = store().put({.phone = "1"});
  auto refused = store().put({.phone = "2"});
  auto cancelled = store().put({.phone = "3"});
  auto claimed = claim(2).submissions;
  ASSERT_EQ(claimed.size(), 2u);
  std::ranges::sort(claimed, {}, &Submission::recipient);
  queue().recordAttempts({{claimed[0].id, "deferred", "busy", "gateway"}});
  queue().settle({accepted(claimed[0]), ignored(claimed[1])});
  queue().cancel(Duration(0));
  EXPECT_EQ(purge(), Purge::done);
  EXPECT_EQ(count("submission"), "2") << "it is not that old";
  age(25h);
  EXPECT_EQ(purge(), Purge::done);
  for (const char* table : {"submission", "attempt", "ignored"}) EXPECT_EQ(count(table), "0") << table;
  EXPECT_EQ(store().sent(sent), 'Y');
  EXPECT_EQ(store().sent(refused), 'I');
  EXPECT_EQ(store().sent(cancelled), 'I');
  EXPECT_TRUE(queue().explain(sent).value().submissions.empty());
}

TEST_P(History, WhatIsUnderWayOrHeldStaysHoweverOldItIs) {
  for (const char* phone : {"live", "held", "sent"}) store().put({.phone = phone, .text = phone});
  for (const auto& submission : claim().submissions) {
    if (submission.recipient == "held") queue().settle({held(submission)});
    if (submission.recipient == "sent") queue().settle({accepted(submission)});
  }
  age(48h);
  EXPECT_EQ(purge(), Purge::done);
  EXPECT_EQ(count("submission"), "2");
  auto waiting = queue().held(10);
  ASSERT_EQ(waiting.size(), 1u);
  EXPECT_EQ(queue().release(waiting[0].id), 1u);
  EXPECT_EQ(purge(), Purge::done);
  EXPECT_EQ(count("submission"), "1") << "it was looked at again";
}

TEST_P(History, WhatWasHeldIsForgottenWhenNoneOfItsMessagesIsHeldAnyMore) {
  for (const char* phone : {"deleted", "marked", "another", "partly"})
    store().put({.phone = phone, .text = phone, .severity = 1});
  store().put({.phone = "partly", .text = "marked", .severity = 2});
  std::vector<Settlement> settlements;
  for (const auto& submission : claim().submissions) settlements.push_back(held(submission));
  queue().settle(settlements);
  age(48h);
  store().sql("DELETE FROM smsq WHERE phone = 'deleted'");
  store().sql("UPDATE smsq SET sent = 'Y' WHERE phone = 'marked' OR msg = 'marked'");
  store().sql("UPDATE smsq SET msg = 'another row with this id' WHERE phone = 'another'");
  ASSERT_EQ(queue().held(10).size(), 1u);
  ASSERT_EQ(count("submission"), "4");
  EXPECT_EQ(purge(), Purge::done);
  EXPECT_EQ(count("submission"), "1");
  EXPECT_EQ(count("attempt"), "1");
  EXPECT_EQ(count("held"), "2") << "one of the two was marked by hand, and belongs to the other's SMS";
  const auto left = queue().held(10);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].recipient, "partly");
  EXPECT_EQ(queue().release(left[0].id), 1u);
  EXPECT_EQ(count("held"), "0");
}

TEST_P(History, GoesInStepsAndSaysWhenItIsDone) {
  for (int i = 0; i < 25; ++i) store().put({.phone = std::to_string(i)});
  for (const auto& submission : claim().submissions) queue().settle({accepted(submission)});
  age(48h);
  store().put({.phone = "today"});
  queue().settle({accepted(claim().submissions.at(0))});
  for (const char* left : {"16", "6"}) {
    EXPECT_EQ(purge(10), Purge::more);
    EXPECT_EQ(count("submission"), left);
  }
  EXPECT_EQ(purge(10), Purge::done);
  EXPECT_EQ(count("submission"), "1");
  EXPECT_EQ(count("attempt"), "0");
}

TEST_P(History, AttemptsKeepTheirNumbersForThemselves) {
  store().put({.phone = "1"});
  auto before = claim().submissions.at(0);
  queue().settle({accepted(before)});
  age(48h);
  EXPECT_EQ(purge(), Purge::done);
  crashAndComeBack();
  store().put({.phone = "1"});
  auto after = claim().submissions.at(0);
  EXPECT_GT(after.attempt, before.attempt);
  EXPECT_GT(after.id, before.id) << "a key is made of it";
}

TEST_P(History, AListMarksWhatIsHeldAndWhatIsUnderWay) {
  for (const char* phone : {"live", "held", "waits"}) store().put({.phone = phone, .text = phone});
  for (const auto& submission : claim(2).submissions)
    if (submission.recipient == "held") queue().settle({held(submission)});
  for (const auto& message : queue().messages(SentStatus::unsent, 10)) {
    EXPECT_EQ(message.held, message.recipient == "held") << message.recipient;
    EXPECT_EQ(message.underWay, message.recipient == "live") << message.recipient;
  }
  queue().discard(queue().held(1).at(0).id);
  for (const auto& message : queue().messages(SentStatus::ignored, 10)) EXPECT_FALSE(message.held);
}

}  // namespace smsd::queue
