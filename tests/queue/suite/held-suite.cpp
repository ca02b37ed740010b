// SPDX-License-Identifier: GPL-3.0-or-later
// What is held: SMS that may have been sent, kept out of every claim until an operator says a word.
#include <algorithm>
#include <thread>

#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue {

namespace {

class HeldMessages : public QueueSuite {
 protected:
  /// One SMS of one message that is held.
  Submission hold(const std::string& phone, const std::string& reason = "no answer") {
    auto claimed = claim().submissions;
    for (const auto& submission : claimed)
      if (submission.recipient == phone) {
        queue().settle({held(submission, reason)});
        return submission;
      }
    throw std::runtime_error("nobody claimed " + phone);
  }
  std::string count(const std::string& table) {
    return store().one("SELECT count(*) FROM " + store().own(table));
  }
  std::string submission(const char* column, SubmissionId id) {
    return store().one(std::string("SELECT ") + column + " FROM " + store().own("submission") +
                       " WHERE id = " + std::to_string(id));
  }
};
SMSD_FOR_EACH_BACKEND(HeldMessages);

}  // namespace

TEST_P(HeldMessages, StayUnsentAndAreInNoClaim) {
  auto told = store().put({.phone = "1", .severity = 1});
  auto counted = store().put({.phone = "1", .severity = 2});
  auto wanted = request();
  wanted.format = firstAndIgnore;
  auto claimed = queue().claim(wanted).submissions.at(0);
  auto result = queue().settle({held(claimed)});
  EXPECT_EQ(result.sent + result.ignored, 0u);
  EXPECT_FALSE(result.lookAgain);
  for (auto id : {told, counted}) {
    EXPECT_EQ(store().sent(id), 'N');
    EXPECT_FALSE(store().row(id).stamped);
  }
  for (auto look : {Look::onward, Look::head, Look::onward}) {
    auto again = claim(10, look);
    EXPECT_TRUE(again.submissions.empty());
    EXPECT_TRUE(again.atEnd);
    EXPECT_EQ(again.nextDue, std::nullopt);
  }
  EXPECT_EQ(count("wait"), "0");
  EXPECT_EQ(count("submission"), "1");
}

TEST_P(HeldMessages, AreNotMadeUnsentAgainByARetryWhichNamesTheirSms) {
  const auto id = store().put({.phone = "1"});
  const auto submission = hold("1");
  const auto restored = queue().restore(id, std::nullopt);
  EXPECT_EQ(restored.result, Restored::Result::held);
  EXPECT_EQ(restored.held, submission.id);
  EXPECT_EQ(store().sent(id), 'N');
}

TEST_P(HeldMessages, HaveTheAgeOfTheOldestInTheDepth) {
  if (!store().complete()) GTEST_SKIP() << "the backend does not tell";
  store().put({.phone = "1"});
  EXPECT_EQ(queue().depth(10).oldestHeld, std::nullopt);
  const auto first = hold("1");
  store().step(std::chrono::hours(3));
  store().put({.phone = "2"});
  hold("2");
  auto age = queue().depth(10).oldestHeld;
  ASSERT_TRUE(age);
  EXPECT_GE(*age, std::chrono::hours(3));
  EXPECT_LT(*age, std::chrono::hours(3) + std::chrono::minutes(5));
  queue().discard(first.id);
  age = queue().depth(10).oldestHeld;
  ASSERT_TRUE(age);
  EXPECT_LT(*age, std::chrono::minutes(5));
}

TEST_P(HeldMessages, LeaveTheirOutcomeWithTheSubmissionAndWithTheAttempt) {
  store().put({.phone = "1"});
  auto held = hold("1", "cut off after the request");
  EXPECT_EQ(submission("fate", held.id), "held");
  EXPECT_EQ(submission("outcome", held.id), "unknown");
  EXPECT_EQ(submission("reason", held.id), "cut off after the request");
  EXPECT_EQ(store().one("SELECT outcome FROM " + store().own("attempt") +
                        " WHERE id = " + std::to_string(held.attempt)),
            "unknown");
}

TEST_P(HeldMessages, NameTheDispatcherWhoseAnswerWasNotUnderstood) {
  store().put({.phone = "1"});
  auto submission = claim().submissions.at(0);
  submission.attempt =
      queue()
          .recordAttempts({{submission.id, std::string(notUnderstood), "no rule knows it", "second"}})
          .at(0);
  submission.dispatcher = "second";
  Settlement end{.submission = submission, .fate = Fate::held, .outcome = "deferred", .reason = "busy"};
  queue().settle({end});
  auto found = queue().held(10);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].dispatcher, "modem");
  EXPECT_EQ(found[0].reason, "no rule knows it");
}

TEST_P(HeldMessages, LeaveTheRecipientFreeForItsOtherMessages) {
  store().put({.phone = "1", .text = "held", .severity = 1});
  hold("1");
  store().put({.phone = "1", .text = "later", .severity = 2});
  auto next = claim().submissions;
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].sms.text, "later");
  EXPECT_EQ(next[0].first, next[0].sms.sent.at(0));
  EXPECT_TRUE(claim().submissions.empty());
  EXPECT_FALSE(queue().settle({accepted(next[0])}).lookAgain) << "what is held was not passed by";
}

TEST_P(HeldMessages, WhatAHeldSmsCarriedOverOrPassedByIsLookedAtAgain) {
  store().put({.phone = "1", .text = "a", .severity = 1});
  store().put({.phone = "1", .text = "b", .severity = 2});
  auto wanted = request();
  wanted.format = firstAndCarry;
  EXPECT_TRUE(queue().settle({held(queue().claim(wanted).submissions.at(0))}).lookAgain);
  auto second = claim().submissions.at(0);
  EXPECT_EQ(second.sms.text, "b");
  store().put({.phone = "1", .text = "came later"});
  EXPECT_TRUE(claim().submissions.empty());
  EXPECT_TRUE(queue().settle({held(second)}).lookAgain);
  EXPECT_EQ(claim().submissions.at(0).sms.text, "came later");
}

TEST_P(HeldMessages, EndTheWaitOfTheirRecipient) {
  store().put({.phone = "1"});
  queue().settle({returned(claim().submissions.at(0), 1ms)});
  std::vector<Submission> claimed;
  ASSERT_TRUE(eventually([&] { return !(claimed = claim().submissions).empty(); }));
  queue().settle({held(claimed[0])});
  EXPECT_EQ(count("wait"), "0");
  store().put({.phone = "1"});
  EXPECT_EQ(claim().submissions.at(0).rounds, 0);
}

TEST_P(HeldMessages, ASettlementThatIsRepeatedHoldsThemOnce) {
  store().put({.phone = "1"});
  auto submission = claim().submissions.at(0);
  queue().settle({held(submission)});
  queue().settle({held(submission)});
  EXPECT_EQ(count("held"), "1");
  EXPECT_EQ(queue().held(10).size(), 1u);
}

TEST_P(HeldMessages, StayHeldWhenTheirSupervisorComesBack) {
  store().put({.phone = "1"});
  hold("1");
  crashAndComeBack();
  EXPECT_TRUE(queue().takeOver().empty());
  EXPECT_TRUE(claim().submissions.empty());
  EXPECT_EQ(queue().held(10).size(), 1u);
}

// C39's other side: their age is no word on whether they were sent.
TEST_P(HeldMessages, DoNotExpire) {
  auto id = store().put({.phone = "1", .age = 3h});
  hold("1");
  store().put({.phone = "1", .text = "fresh"});
  auto wanted = request();
  wanted.expireAfter = 2h;
  auto result = queue().claim(wanted);
  EXPECT_EQ(result.expired, 0u);
  EXPECT_EQ(result.submissions.at(0).sms.text, "fresh");
  EXPECT_EQ(store().sent(id), 'N');
}

TEST_P(HeldMessages, AreLeftAloneByCancel) {
  auto id = store().put({.phone = "1", .age = 3h});
  hold("1");
  auto other = store().put({.phone = "1", .age = 3h});
  EXPECT_EQ(queue().cancel(1h), 1u);
  EXPECT_EQ(queue().cancel(0ms), 0u);
  EXPECT_EQ(store().sent(id), 'N');
  EXPECT_EQ(store().sent(other), 'I');
  EXPECT_EQ(queue().held(10).size(), 1u);
}

TEST_P(HeldMessages, AreCountedAndListedAsUnsentAndNotAsUnderWay) {
  auto id = store().put({.phone = "1", .severity = 1, .age = 2h});
  hold("1");
  store().put({.phone = "1", .severity = 2});
  ASSERT_EQ(claim().submissions.size(), 1u);
  EXPECT_EQ(queue().depth(10).unsent, 2u);
  EXPECT_GE(queue().depth(10).oldest, Duration(1h));
  auto listed = queue().messages(SentStatus::unsent, 10);
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[0].id, id);
  EXPECT_FALSE(listed[0].underWay);
  EXPECT_TRUE(listed[1].underWay);
  EXPECT_FALSE(queue().messagesOf("1", SentStatus::unsent).at(0).underWay);
}

TEST_P(HeldMessages, AreListedOldestFirstWithAllThatAnOperatorNeeds) {
  auto counted = store().put({.phone = "1", .severity = 2});
  auto inText = store().put({.phone = "1", .severity = 1, .age = 1h});
  auto wanted = request();
  wanted.format = firstAndIgnore;
  auto first = queue().claim(wanted).submissions.at(0);
  first.attempt = queue().recordAttempts({{first.id, "unknown", "gateway is silent", "mail"}}).at(0);
  auto refused = held(first, "no such mailbox");
  refused.outcome = "refused";
  queue().settle({refused});
  store().put({.phone = "2"});
  auto second = hold("2", "cut off");
  auto listed = queue().held(10);
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[0].id, first.id);
  EXPECT_EQ(listed[0].recipient, "1");
  EXPECT_EQ(listed[0].text, first.sms.text);
  EXPECT_EQ(listed[0].messages, (std::vector<format::MessageId>{inText, counted}));
  EXPECT_EQ(listed[0].severity, 1);
  EXPECT_EQ(listed[0].dispatcher, "modem") << "the one that left it unknown, not the one that refused it";
  EXPECT_EQ(listed[0].reason, "gateway is silent");
  EXPECT_EQ(listed[0].since.size(), std::string("2026-01-01 00:00:00").size()) << listed[0].since;
  EXPECT_EQ(listed[1].id, second.id);
  EXPECT_EQ(listed[1].severity, std::nullopt);
  EXPECT_EQ(listed[1].reason, "cut off");
  EXPECT_EQ(queue().held(1).size(), 1u);
  EXPECT_TRUE(queue().held(0).empty());
}

TEST_P(HeldMessages, AreClaimedAgainWhenTheyAreReleased) {
  store().put({.phone = "1", .text = "a", .severity = 1});
  store().put({.phone = "1", .text = "b", .severity = 2});
  auto first = hold("1");
  EXPECT_EQ(queue().release(first.id), 2u);
  EXPECT_TRUE(queue().held(10).empty());
  EXPECT_EQ(submission("fate", first.id), "released");
  auto again = claim().submissions;
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].sms.text, "a|b");
  EXPECT_NE(again[0].key, first.key);
  EXPECT_EQ(queue().settle({accepted(again[0])}).sent, 2u);
}

TEST_P(HeldMessages, BecomeIgnoredWhenTheyAreDiscarded) {
  auto id = store().put({.phone = "1"});
  auto other = store().put({.phone = "2", .severity = 9});
  auto claimed = claim().submissions;
  queue().settle({held(claimed.at(0)), held(claimed.at(1))});
  auto mine = std::ranges::find(claimed, "1", &Submission::recipient)->id;
  EXPECT_EQ(queue().discard(mine), 1u);
  EXPECT_EQ(store().sent(id), 'I');
  EXPECT_TRUE(store().row(id).stamped);
  EXPECT_EQ(store().sent(other), 'N');
  EXPECT_EQ(submission("fate", mine), "discarded");
  EXPECT_EQ(queue().held(10).size(), 1u);
  EXPECT_TRUE(claim().submissions.empty());
}

TEST_P(HeldMessages, AreDecidedOnceAndOnlyUnderTheirOwnNumber) {
  store().put({.phone = "1"});
  auto live = claim().submissions.at(0);
  for (SubmissionId id :
       {SubmissionId{0}, SubmissionId{-1}, SubmissionId{4711}, SubmissionId{INT64_MAX}, live.id}) {
    EXPECT_EQ(queue().release(id), 0u) << id;
    EXPECT_EQ(queue().discard(id), 0u) << id;
  }
  EXPECT_EQ(store().sent(live.first), 'N');
  EXPECT_EQ(submission("fate", live.id), "NULL");
  queue().settle({held(live)});
  EXPECT_EQ(queue().release(live.id), 1u);
  EXPECT_EQ(queue().release(live.id), 0u);
  EXPECT_EQ(queue().discard(live.id), 0u);
  EXPECT_EQ(store().sent(live.first), 'N');
  EXPECT_EQ(submission("fate", live.id), "released");
}

TEST_P(HeldMessages, AreDecidedByOneOfTwoWhoDecideAtTheSameTime) {
  constexpr int many = 20;
  std::vector<SubmissionId> ids;
  for (int i = 0; i < many; ++i) store().put({.phone = std::to_string(i)});
  std::vector<Settlement> all;
  for (const auto& submission : claim().submissions) {
    ids.push_back(submission.id);
    all.push_back(held(submission));
  }
  queue().settle(all);
  std::vector<std::size_t> released(many), discarded(many);
  auto other = store().open();
  std::thread releasing([&] {
    for (int i = 0; i < many; ++i) released[i] = other->release(ids[i]);
  });
  for (int i = 0; i < many; ++i) discarded[i] = queue().discard(ids[i]);
  releasing.join();
  for (int i = 0; i < many; ++i) EXPECT_EQ(released[i] + discarded[i], 1u) << ids[i];
  EXPECT_EQ(std::stoul(store().one("SELECT count(*) FROM smsq WHERE sent = 'I'")),
            std::size_t(std::ranges::count(discarded, 1u)));
  EXPECT_EQ(count("held"), "0");
}

TEST_P(HeldMessages, AreNewsToARunningSupervisorWhenTheyAreReleased) {
  store().put({.phone = "1"});
  auto first = hold("1");
  while (queue().takeNews()) {
  }
  EXPECT_EQ(store().open()->release(first.id), 1u);
  EXPECT_TRUE(eventually([&] { return queue().takeNews(); }));
  EXPECT_EQ(claim(1, Look::head).submissions.size(), 1u);
}

TEST_P(HeldMessages, ThatAreReleasedWhileAnotherSmsOfTheirRecipientIsUnderWayAreLookedAtAfterIt) {
  store().put({.phone = "1", .text = "held"});
  auto first = hold("1");
  store().put({.phone = "1", .text = "other"});
  auto second = claim().submissions.at(0);
  EXPECT_EQ(queue().release(first.id), 1u);
  EXPECT_TRUE(claim().submissions.empty());
  EXPECT_TRUE(queue().settle({accepted(second)}).lookAgain);
  EXPECT_EQ(claim().submissions.at(0).sms.text, "held");
}

TEST_P(HeldMessages, ThatWereMarkedOrDeletedByHandAreNotHeldAnyMore) {
  auto sent = store().put({.phone = "1", .severity = 1});
  auto deleted = store().put({.phone = "1", .severity = 2});
  auto stays = store().put({.phone = "1", .severity = 3});
  auto first = hold("1");
  queue().setStatus(sent, SentStatus::sent, 5);
  store().sql("DELETE FROM smsq WHERE id = " + std::to_string(deleted));
  EXPECT_EQ(queue().held(10).at(0).messages, std::vector<format::MessageId>{stays});
  EXPECT_EQ(queue().discard(first.id), 1u);
  EXPECT_EQ(store().sent(sent), 'Y');
  EXPECT_EQ(store().sent(stays), 'I');
}

TEST_P(HeldMessages, AMessageThatWasMarkedWhileItWasUnderWayIsNotHeld) {
  auto id = store().put({.phone = "1"});
  auto submission = claim().submissions.at(0);
  queue().setStatus(id, SentStatus::ignored, 0);
  queue().settle({held(submission)});
  EXPECT_TRUE(queue().held(10).empty());
  EXPECT_EQ(count("held"), "0");
  EXPECT_EQ(queue().release(submission.id), 0u);
}

// However many they are: the others are found, nothing is written for those that are held.
TEST_P(HeldMessages, AThousandThatAreMoreSevereDoNotHideTheOthers) {
  for (int i = 0; i < 1000; ++i) store().put({.phone = "held" + std::to_string(i), .severity = 1});
  std::vector<Settlement> all;
  for (const auto& submission : claim(1000).submissions) all.push_back(held(submission));
  ASSERT_EQ(all.size(), 1000u);
  queue().settle(all);
  const auto before = count("submission");
  while (!claim(8).atEnd) {
  }
  EXPECT_EQ(count("submission"), before);
  store().put({.phone = "free", .severity = 3});
  std::vector<std::string> found;
  for (bool atEnd = false; !atEnd;) {
    auto result = claim(8);
    for (const auto& name : recipients(result.submissions)) found.push_back(name);
    atEnd = result.atEnd;
  }
  EXPECT_EQ(found, std::vector<std::string>{"free"});
}

TEST_P(HeldMessages, AreLeftOutWithoutAnyIndexOfOurs) {
  store().put({.phone = "1", .text = "held"});
  hold("1");
  for (const auto& index : {"smsq_unsent_order", "smsq_unsent_phone"})
    store().sql(std::string("DROP INDEX IF EXISTS ") + index);
  crashAndComeBack();
  store().put({.phone = "1", .text = "other"});
  EXPECT_EQ(claim().submissions.at(0).sms.text, "other");
}

}  // namespace smsd::queue
