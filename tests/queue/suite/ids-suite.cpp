// SPDX-License-Identifier: GPL-3.0-or-later
// Ids come again: smsq was emptied and its ids start over, or a dump was restored. What was claimed is a row,
// not an id.
#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue {

namespace {

class Ids : public QueueSuite {
 protected:
  /// The row is gone; this one has its id.
  format::MessageId replace(const NavRow& row) {
    store().startIdsOver();
    return store().put(row);
  }
  std::vector<Settlement> all(Settlement (*make)(const Submission&, const std::string&)) {
    std::vector<Settlement> done;
    for (const auto& submission : claim().submissions) done.push_back(make(submission, "7"));
    return done;
  }
};
SMSD_FOR_EACH_BACKEND(Ids);

/// Rows that are another one than {.phone = "1", .text = "down"}.
const NavRow others[] = {
    {.phone = "1", .text = "up"}, {.phone = "2", .text = "down"}, {.phone = "1", .text = "down"}};

}  // namespace

TEST_P(Ids, ASettlementDoesNotMarkALaterRowOfTheSameId) {
  for (const NavRow& row : others)
    for (auto settlement : {&QueueSuite::accepted, &QueueSuite::ignored, &QueueSuite::held}) {
      store().startIdsOver();
      store().put({.phone = "1", .text = "down"});
      auto done = all(settlement);
      ASSERT_EQ(done.size(), 1u);
      const auto id = replace(row);
      ASSERT_EQ(id, done[0].submission.first) << "or there is nothing to test";
      const auto result = queue().settle(done);
      EXPECT_EQ(result.sent + result.ignored, 0u);
      EXPECT_EQ(result.replaced, 1u);
      if (row.phone == "1") {
        EXPECT_TRUE(result.lookAgain) << "its recipient was not free until now";
      }
      EXPECT_EQ(store().sent(id), 'N') << row.phone << row.text;
      auto next = claim().submissions;
      ASSERT_EQ(next.size(), 1u) << row.phone << row.text;
      EXPECT_EQ(next[0].recipient, row.phone);
      EXPECT_EQ(queue().settle({accepted(next[0])}).sent, 1u);
      EXPECT_EQ(store().sent(id), 'Y');
    }
}

TEST_P(Ids, WhatWasOnlyCountedInAnSmsIsARowAsWell) {
  store().put({.phone = "1", .text = "told", .severity = 1});
  store().put({.phone = "1", .text = "counted", .severity = 2});
  auto wanted = request();
  wanted.format = firstAndIgnore;
  auto claimed = queue().claim(wanted).submissions.at(0);
  const auto one = replace({.phone = "1", .text = "new"}), two = store().put({.phone = "1", .text = "newer"});
  const auto result = queue().settle({accepted(claimed)});
  EXPECT_EQ(result.ignored, 0u);
  EXPECT_EQ(result.replaced, 2u);
  EXPECT_EQ(store().sent(one), 'N');
  EXPECT_EQ(store().sent(two), 'N');
}

TEST_P(Ids, BothRowsOfOneIdCanBeSettledTogether) {
  for (bool formerFirst : {true, false})
    for (char expected : {'Y', 'I', 'N'}) {
      store().startIdsOver();
      store().put({.phone = "1", .text = "down"});
      const auto former = all(&QueueSuite::accepted);
      const auto id = replace({.phone = "2", .text = "up"});
      const auto later = all(expected == 'Y'   ? &QueueSuite::accepted
                             : expected == 'I' ? &QueueSuite::ignored
                                               : &QueueSuite::held);
      ASSERT_EQ(later.at(0).submission.first, former.at(0).submission.first);
      const auto result =
          queue().settle(formerFirst ? std::vector{former[0], later[0]} : std::vector{later[0], former[0]});
      EXPECT_EQ(result.replaced, 1u);
      EXPECT_EQ(store().sent(id), expected);
      EXPECT_TRUE(claim().submissions.empty());
    }
}

TEST_P(Ids, ARowThatCameBackAsItWasIsTheSame) {
  const auto id = store().put({.phone = "1", .text = "down"});
  store().sql("CREATE TABLE dump AS SELECT * FROM smsq");
  auto done = all(&QueueSuite::accepted);
  store().startIdsOver();
  store().sql("INSERT INTO smsq (id, time, phone, msg, sent) SELECT id, time, phone, msg, sent FROM dump");
  const auto result = queue().settle(done);
  EXPECT_EQ(result.sent, 1u);
  EXPECT_EQ(result.replaced, 0u);
  EXPECT_EQ(store().sent(id), 'Y');
}

// A settlement that marks nothing is no news of a replaced row while the row is the same, or no row is there.
TEST_P(Ids, ARowThatWasMarkedReleasedOrDeletedIsNotAnother) {
  for (const char* meanwhile :
       {"UPDATE smsq SET sent = 'I'", "UPDATE smsq SET sent = 'Y'", "DELETE FROM smsq"})
    for (auto settlement : {&QueueSuite::accepted, &QueueSuite::ignored, &QueueSuite::held}) {
      store().startIdsOver();
      store().put({.phone = "1", .text = "down"});
      const auto done = all(settlement);
      ASSERT_EQ(done.size(), 1u);
      store().sql(meanwhile);
      EXPECT_EQ(queue().settle(done).replaced, 0u) << meanwhile;
    }
  store().startIdsOver();
  store().put({.phone = "1", .text = "down"});
  const auto former = all(&QueueSuite::held);
  queue().settle(former);
  queue().release(former.at(0).submission.id);
  EXPECT_EQ(queue().settle(all(&QueueSuite::accepted)).replaced, 0u);
  EXPECT_EQ(queue().settle(former).replaced, 0u) << "a repeated call";
}

TEST_P(Ids, WhoeverTakesOverKnowsTheRowsTooAndNotOnlyTheirIds) {
  store().put({.phone = "1", .text = "down"});
  store().put({.phone = "2", .text = "down"});
  ASSERT_EQ(claim().submissions.size(), 2u);
  store().sql("DELETE FROM smsq WHERE phone = '1'");
  store().sql("INSERT INTO smsq (id, time, phone, msg) VALUES (1, " + store().timeAgo(0s) + ", '3', 'new')");
  crashAndComeBack();
  std::vector<Settlement> done;
  for (const auto& submission : queue().takeOver()) done.push_back(accepted(submission));
  ASSERT_EQ(done.size(), 2u);
  EXPECT_EQ(queue().settle(done).sent, 1u);
  EXPECT_EQ(store().sent(1), 'N');
  EXPECT_EQ(store().sent(2), 'Y');
}

// A submission of before the schema had stamps: its messages go by their ids.
TEST_P(Ids, DecideAloneWhereNobodyTookDownWhatTheRowsWere) {
  const auto id = store().put({.phone = "1"});
  claim();
  store().sql("UPDATE " + store().own("submission") + " SET stamps = NULL");
  crashAndComeBack();
  const auto result = queue().settle({accepted(queue().takeOver().at(0))});
  EXPECT_EQ(result.sent, 1u);
  EXPECT_EQ(result.replaced, 0u);
  EXPECT_EQ(store().sent(id), 'Y');
}

// --- what is held

TEST_P(Ids, ALaterRowIsNotHeldAndNotForAnOperatorsWordOnTheFormerOne) {
  for (const NavRow& row : others)
    for (bool release : {true, false}) {
      store().startIdsOver();
      store().put({.phone = "1", .text = "down"});
      auto former = all(&QueueSuite::held);
      queue().settle(former);
      ASSERT_EQ(queue().held(10).size(), 1u);
      const auto id = replace(row);
      EXPECT_TRUE(queue().held(10).empty());
      EXPECT_FALSE(queue().messages(SentStatus::unsent, 10).at(0).held);
      if (release)
        EXPECT_EQ(queue().release(former[0].submission.id), 0u);
      else
        EXPECT_EQ(queue().discard(former[0].submission.id), 0u);
      EXPECT_EQ(store().sent(id), 'N');
      auto next = claim().submissions;
      ASSERT_EQ(next.size(), 1u);
      EXPECT_EQ(queue().settle({accepted(next[0])}).sent, 1u);
    }
}

TEST_P(Ids, ALaterRowCanBeHeldInThePlaceOfTheFormerOne) {
  store().put({.phone = "1", .text = "down"});
  queue().settle(all(&QueueSuite::held));
  const auto id = replace({.phone = "2", .text = "up"});
  auto later = all(&QueueSuite::held);
  queue().settle(later);
  EXPECT_TRUE(claim().submissions.empty());
  auto listed = queue().held(10);
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].id, later[0].submission.id);
  EXPECT_EQ(listed[0].messages, std::vector<format::MessageId>{id});
  EXPECT_EQ(queue().release(later[0].submission.id), 1u);
  EXPECT_EQ(claim().submissions.size(), 1u);
}

TEST_P(Ids, ALaterRowExpiresAndIsCancelledLikeAnyOther) {
  for (bool expires : {true, false}) {
    store().startIdsOver();
    store().put({.phone = "1", .text = "down"});
    queue().settle(all(&QueueSuite::held));
    const auto id = replace({.phone = "1", .text = "old", .age = 3h});
    if (expires) {
      auto wanted = request();
      wanted.expireAfter = 2h;
      EXPECT_EQ(queue().claim(wanted).expired, 1u);
    } else {
      EXPECT_EQ(queue().cancel(2h), 1u);
    }
    EXPECT_EQ(store().sent(id), 'I');
  }
}

TEST_P(Ids, ASubmissionWhoseIdComesAgainHasAnotherKey) {
  store().put({.phone = "1", .text = "down"});
  const auto before = claim().submissions.at(0);
  for (const NavRow& row : others) {
    store().startOwnIdsOver();
    crashAndComeBack();
    const auto message = replace(row);
    const auto after = claim().submissions.at(0);
    ASSERT_EQ(after.id, before.id) << "or there is nothing to test";
    EXPECT_NE(after.key, before.key) << row.phone << row.text;
    EXPECT_EQ(queue().explain(message)->submissions.at(0).key, after.key);
  }
}

TEST_P(Ids, ASubmissionOfAnOlderVersionKeepsItsKey) {
  store().put({.phone = "1", .text = "down"});
  const auto before = claim().submissions.at(0);
  store().sql("UPDATE " + store().own("submission") + " SET stamps = NULL");
  const std::string key = before.key.substr(0, 12) + "-" + std::to_string(before.id);
  EXPECT_EQ(queue().explain(before.first)->submissions.at(0).key, key);
  crashAndComeBack();
  EXPECT_EQ(queue().takeOver().at(0).key, key);
}

TEST_P(Ids, TheLifeOfALaterRowIsNotThatOfTheFormerOne) {
  store().put({.phone = "1", .text = "down", .age = 3h});
  queue().cancel(1h);
  const auto id = replace({.phone = "1", .text = "up"});
  auto done = all(&QueueSuite::accepted);
  queue().settle(done);
  EXPECT_EQ(queue().explain(id)->submissions.size(), 1u);
  EXPECT_EQ(replace({.phone = "1", .text = "up"}), id);
  store().sql("UPDATE smsq SET sent = 'I'");
  const auto life = queue().explain(id);
  ASSERT_TRUE(life.has_value());
  EXPECT_TRUE(life->submissions.empty());
  EXPECT_EQ(life->ignoredBecause, "");
}

TEST_P(Ids, ALaterRowIsNotCountedAsHeldAndIsLate) {
  for (const NavRow& row : others) {
    store().startIdsOver();
    store().put({.phone = "1", .text = "down"});
    queue().settle(all(&QueueSuite::held));
    ASSERT_EQ(queue().depth(10).held, 1u);
    EXPECT_EQ(queue().depth(10).late, std::nullopt);
    NavRow old = row;
    old.age = 2h;
    replace(old);
    store().put({.phone = "9", .text = "held itself"});
    auto later = claim().submissions;
    ASSERT_EQ(later.size(), 2u);
    for (const auto& submission : later)
      if (submission.recipient == "9") queue().settle({held(submission)});
    const auto depth = queue().depth(10);
    EXPECT_EQ(depth.unsent, 2u);
    EXPECT_EQ(depth.held, 1u);
    EXPECT_GE(depth.late, Duration(2h - 1min));
    for (const auto& submission : later)
      if (submission.recipient != "9") queue().settle({accepted(submission)});
    queue().discard(queue().held(1).at(0).id);
  }
}

}  // namespace smsd::queue
