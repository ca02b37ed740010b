// SPDX-License-Identifier: GPL-3.0-or-later
// The life of one message, as an operator asks for it. C47: NAV's 'I' meant cancelled, squeezed out and
// expired alike, and nothing said who had tried what.
#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue {

namespace {

class Explain : public QueueSuite {
 protected:
  MessageLife life(format::MessageId id) {
    auto found = queue().explain(id);
    if (!found) throw std::runtime_error("no message " + std::to_string(id));
    return *found;
  }
};
SMSD_FOR_EACH_BACKEND(Explain);

constexpr std::size_t toTheSecond = std::string_view("2026-01-01 00:00:00").size();

}  // namespace

TEST_P(Explain, NothingIsSaidOfAMessageThatIsNotThere) {
  for (format::MessageId id :
       {format::MessageId{0}, format::MessageId{-1}, format::MessageId{4711}, format::MessageId{INT64_MAX}})
    EXPECT_EQ(queue().explain(id), std::nullopt) << id;
}

TEST_P(Explain, AMessageThatNobodyClaimedHasNoHistory) {
  auto id = store().put({.phone = "1", .text = "router down ø", .severity = 2, .account = 2});
  auto found = life(id);
  EXPECT_EQ(found.message.id, id);
  EXPECT_EQ(found.message.recipient, "1");
  EXPECT_EQ(found.message.user, "Kari");
  EXPECT_EQ(found.message.text, "router down ø");
  EXPECT_EQ(found.message.severity, 2);
  EXPECT_EQ(found.message.status, SentStatus::unsent);
  EXPECT_FALSE(found.message.underWay);
  EXPECT_EQ(found.timeSent, "");
  EXPECT_EQ(found.smsid, std::nullopt);
  EXPECT_TRUE(found.submissions.empty());
  EXPECT_EQ(found.ignoredBecause + found.waitsUntil, "");
  EXPECT_EQ(found.rounds, 0);
}

TEST_P(Explain, ASentMessageHasItsSmsItsAttemptsAndItsReference) {
  auto other = store().put({.phone = "1", .text = "a", .severity = 1});
  auto id = store().put({.phone = "1", .text = "b", .severity = 2});
  auto claimed = claim().submissions.at(0);
  auto second = queue().recordAttempts({{claimed.id, "deferred", "modem busy", "gateway"}}).at(0);
  auto third = queue().recordAttempts({{claimed.id, "unknown", "silence", "mail"}}).at(0);
  queue().settle({accepted(claimed, "77")});
  auto found = life(id);
  EXPECT_EQ(found.message.status, SentStatus::sent);
  EXPECT_EQ(found.timeSent.size(), toTheSecond);
  EXPECT_EQ(found.smsid, 77);
  ASSERT_EQ(found.submissions.size(), 1u);
  const auto& sms = found.submissions[0];
  EXPECT_EQ(sms.id, claimed.id);
  EXPECT_EQ(sms.key, claimed.key);
  EXPECT_EQ(sms.text, "a|b");
  EXPECT_NE(sms.supervisor.find("["), std::string::npos) << sms.supervisor;
  EXPECT_EQ(sms.created.size(), toTheSecond);
  EXPECT_EQ(sms.ended.size(), toTheSecond);
  EXPECT_EQ(sms.fate, "sent");
  EXPECT_EQ(sms.decided, "");
  EXPECT_FALSE(sms.onlyCounted);
  EXPECT_EQ(sms.messages, (std::vector<format::MessageId>{other, id}));
  ASSERT_EQ(sms.attempts.size(), 3u);
  EXPECT_EQ(sms.attempts[0].id, claimed.attempt);
  EXPECT_EQ(sms.attempts[0].dispatcher, "modem");
  EXPECT_EQ(sms.attempts[0].outcome, "deferred");
  EXPECT_EQ(sms.attempts[0].reason, "modem busy");
  EXPECT_EQ(sms.attempts[0].ended.size(), toTheSecond);
  EXPECT_EQ(sms.attempts[1].id, second);
  EXPECT_EQ(sms.attempts[1].dispatcher, "gateway");
  EXPECT_EQ(sms.attempts[1].outcome, "unknown");
  EXPECT_EQ(sms.attempts[2].id, third);
  EXPECT_EQ(sms.attempts[2].dispatcher, "mail");
  EXPECT_EQ(sms.attempts[2].outcome, "accepted");
  EXPECT_EQ(sms.attempts[2].reference, "77");
  EXPECT_EQ(sms.attempts[2].ended, sms.ended);
}

TEST_P(Explain, AQueueThatNeverEnlistedTellsTheSame) {
  auto id = store().put({.phone = "1"});
  auto claimed = claim().submissions.at(0);
  queue().settle({accepted(claimed)});
  auto found = store().open()->explain(id);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->submissions.at(0).key, claimed.key);
}

TEST_P(Explain, AMessageUnderWayHasAnAttemptThatHasNotEnded) {
  auto id = store().put({.phone = "1"});
  auto claimed = claim().submissions.at(0);
  auto second = queue().recordAttempts({{claimed.id, "deferred", "busy", "gateway"}}).at(0);
  auto found = life(id);
  EXPECT_TRUE(found.message.underWay);
  const auto& sms = found.submissions.at(0);
  EXPECT_EQ(sms.ended + sms.fate, "");
  ASSERT_EQ(sms.attempts.size(), 2u);
  EXPECT_EQ(sms.attempts[1].id, second);
  EXPECT_EQ(sms.attempts[1].dispatcher, "gateway");
  EXPECT_EQ(sms.attempts[1].outcome + sms.attempts[1].reason + sms.attempts[1].ended, "");
}

TEST_P(Explain, AMessageThatWasOnlyCountedIsToldSo) {  // C47: squeezed out
  store().put({.phone = "1", .severity = 1});
  auto id = store().put({.phone = "1", .severity = 2});
  auto wanted = request();
  wanted.format = firstAndIgnore;
  queue().settle({accepted(queue().claim(wanted).submissions.at(0))});
  auto found = life(id);
  EXPECT_EQ(found.message.status, SentStatus::ignored);
  EXPECT_TRUE(found.submissions.at(0).onlyCounted);
  EXPECT_EQ(found.submissions[0].fate, "sent");
  EXPECT_EQ(found.submissions[0].messages.size(), 2u);
  EXPECT_EQ(found.ignoredBecause, "");
}

TEST_P(Explain, AMessageOfARefusedSmsHasTheReason) {  // C47: no attempts, no last error
  auto id = store().put({.phone = "1"});
  queue().settle({ignored(claim().submissions.at(0), "no such number")});
  auto found = life(id);
  const auto& sms = found.submissions.at(0);
  EXPECT_EQ(sms.fate, "ignored");
  ASSERT_EQ(sms.attempts.size(), 1u);
  EXPECT_EQ(sms.attempts[0].outcome, "refused");
  EXPECT_EQ(sms.attempts[0].reason, "no such number");
  EXPECT_EQ(sms.attempts[0].ended, sms.ended);
  EXPECT_EQ(found.ignoredBecause, "");
}

TEST_P(Explain, WhatExpiredAndWhatWasCancelledAreToldApart) {  // C47
  auto expired = store().put({.phone = "1", .age = 3h});
  auto wanted = request();
  wanted.expireAfter = 2h;
  EXPECT_EQ(queue().claim(wanted).expired, 1u);
  auto cancelled = store().put({.phone = "2"});
  EXPECT_EQ(queue().cancel(0ms), 1u);
  auto byHand = store().put({.phone = "3"});
  queue().setStatus(byHand, SentStatus::ignored, 0);
  EXPECT_EQ(life(expired).ignoredBecause, "expired");
  EXPECT_EQ(life(cancelled).ignoredBecause, "cancelled");
  EXPECT_EQ(life(byHand).ignoredBecause, "");
  for (auto id : {expired, cancelled}) {
    EXPECT_TRUE(life(id).submissions.empty());
    EXPECT_EQ(life(id).timeSent.size(), toTheSecond);
  }
}

TEST_P(Explain, AnOldReasonIsNotToldOfAMessageThatWasPutBackByHand) {
  auto id = store().put({.phone = "1"});
  EXPECT_EQ(queue().cancel(0ms), 1u);
  store().sql("UPDATE " + store().own("ignored") + " SET at = '2020-01-01 00:00:00'");
  store().sql("UPDATE smsq SET sent = 'N'");
  EXPECT_EQ(life(id).ignoredBecause, "");
  queue().settle({ignored(claim().submissions.at(0))});
  EXPECT_EQ(life(id).ignoredBecause, "");
}

TEST_P(Explain, AMessageWhoseRecipientWaitsSaysUntilWhenAndAfterHowManyRounds) {
  auto id = store().put({.phone = "1"});
  queue().settle({returned(claim().submissions.at(0), 1ms)});
  std::vector<Submission> claimed;
  ASSERT_TRUE(eventually([&] { return !(claimed = claim().submissions).empty(); }));
  queue().settle({returned(claimed[0], 1h)});
  auto found = life(id);
  EXPECT_EQ(found.waitsUntil.size(), toTheSecond);
  EXPECT_GT(found.waitsUntil, found.submissions.at(1).ended);
  EXPECT_EQ(found.rounds, 2);
  ASSERT_EQ(found.submissions.size(), 2u);
  EXPECT_LT(found.submissions[0].id, found.submissions[1].id);
  EXPECT_EQ(found.submissions[1].fate, "returned");
  EXPECT_EQ(found.submissions[1].attempts.at(0).reason, "gateway is away");
}

TEST_P(Explain, AWaitIsNoneOfTheBusinessOfWhatWasSentOrIsHeld) {
  auto sent = store().put({.phone = "1", .text = "sent"});
  queue().settle({accepted(claim().submissions.at(0))});
  auto kept = store().put({.phone = "1", .text = "held"});
  queue().settle({held(claim().submissions.at(0))});
  auto waits = store().put({.phone = "1", .text = "waits"});
  queue().settle({returned(claim().submissions.at(0), 1h)});
  EXPECT_EQ(life(sent).waitsUntil, "");
  EXPECT_EQ(life(kept).waitsUntil, "");
  EXPECT_EQ(life(kept).rounds, 0);
  EXPECT_NE(life(waits).waitsUntil, "");
}

TEST_P(Explain, AHeldMessageIsToldWithWhatAnOperatorSaidOfIt) {
  auto id = store().put({.phone = "1"});
  auto first = claim().submissions.at(0);
  queue().settle({held(first, "cut off")});
  EXPECT_EQ(life(id).submissions.at(0).fate, "held");
  EXPECT_EQ(life(id).submissions.at(0).decided, "");
  EXPECT_EQ(life(id).submissions.at(0).attempts.at(0).outcome, "unknown");
  queue().release(first.id);
  EXPECT_EQ(life(id).submissions.at(0).fate, "released");
  EXPECT_EQ(life(id).submissions.at(0).decided.size(), toTheSecond);
  auto second = claim().submissions.at(0);
  queue().settle({held(second)});
  queue().discard(second.id);
  auto found = life(id);
  ASSERT_EQ(found.submissions.size(), 2u);
  EXPECT_EQ(found.submissions[1].fate, "discarded");
  EXPECT_EQ(found.message.status, SentStatus::ignored);
  EXPECT_EQ(found.ignoredBecause, "");
}

TEST_P(Explain, ASupervisorThatIsGoneAndAListThatIsNoneDoNotHinderIt) {
  auto id = store().put({.phone = "1"});
  auto lost = store().put({.phone = "2"});
  for (const auto& submission : claim().submissions) queue().settle({accepted(submission)});
  const bool lists = store().shared();
  store().sql("UPDATE " + store().own("submission") + " SET supervisor = " + (lists ? "0" : "NULL") +
              ", ignored_ids = " + (lists ? "NULL" : "'no list'"));
  store().sql("UPDATE " + store().own("submission") + " SET sent_ids = " + (lists ? "NULL" : "'{'") +
              " WHERE recipient = '2'");
  EXPECT_EQ(life(id).submissions.at(0).supervisor, "");
  EXPECT_EQ(life(id).submissions.at(0).fate, "sent");
  EXPECT_TRUE(life(lost).submissions.empty());
}

TEST_P(Explain, AnSmsHasItsFormattingAndEachAttemptItsTime) {
  if (!store().complete()) GTEST_SKIP() << "the backend does not record it";
  const auto id = store().put({.phone = "1", .text = "føø", .age = 1h});
  const auto claimed = claim().submissions.at(0);
  const auto second = queue().recordAttempts({{claimed.id, "deferred", "busy", "gateway"}}).at(0);
  auto found = life(id);
  ASSERT_EQ(found.submissions.size(), 1u);
  ASSERT_EQ(found.submissions[0].attempts.size(), 2u);
  EXPECT_TRUE(found.submissions[0].attempts[0].took);
  EXPECT_EQ(found.submissions[0].attempts[1].id, second);
  EXPECT_EQ(found.submissions[0].attempts[1].took, std::nullopt);
  EXPECT_EQ(found.latency, std::nullopt);
  // The claim was 7 s ago, and the first attempt ended 5 s ago.
  const std::string of = " WHERE id = " + std::to_string(claimed.id);
  store().sql("UPDATE " + store().own("submission") + " SET created = " + store().timeAgo(7s) + of);
  store().sql("UPDATE " + store().own("attempt") + " SET ended = " + store().timeAgo(5s));
  queue().settle({accepted(claimed, "77")});
  found = life(id);
  const auto& sms = found.submissions.at(0);
  EXPECT_EQ(sms.encoding, "gsm7");
  EXPECT_EQ(sms.units, claimed.sms.units);
  EXPECT_EQ(sms.parts, 1u);
  const auto about = [](const std::optional<Duration>& took, Duration expected) {
    return took && *took > expected - 500ms && *took < expected + 30s;
  };
  EXPECT_TRUE(about(sms.attempts.at(0).took, 2s)) << sms.attempts[0].took.value_or(-1ms).count();
  EXPECT_TRUE(about(sms.attempts.at(1).took, 5s)) << sms.attempts[1].took.value_or(-1ms).count();
  EXPECT_TRUE(about(found.latency, 1h)) << found.latency.value_or(-1ms).count();
}

TEST_P(Explain, AMessageThatWouldExpireAtOnceIsNotRestored) {
  if (!store().complete()) GTEST_SKIP() << "the backend does not know its age";
  const auto id = store().put({.phone = "1", .age = 2h});
  queue().cancel(0ms);
  EXPECT_EQ(queue().restore(id, 1h).result, Restored::Result::tooOld);
  EXPECT_EQ(store().sent(id), 'I');
  EXPECT_EQ(queue().restore(id, 3h).result, Restored::Result::restored);
  EXPECT_EQ(life(id).ignoredBecause, "");
  store().sql("UPDATE smsq SET sent = 'I' WHERE id = " + std::to_string(id));
  EXPECT_EQ(life(id).ignoredBecause, "") << "the reason of the former mark";
}

}  // namespace smsd::queue
