// SPDX-License-Identifier: GPL-3.0-or-later
// What NAV's own queue class offers: lists, counts, cancelling, inserting, marking by hand.
#include <algorithm>
#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue {

namespace {

class NavOperations : public QueueSuite {};
SMSD_FOR_EACH_BACKEND(NavOperations);

std::vector<std::string> textsOf(const std::vector<StoredMessage>& messages) {
  std::vector<std::string> texts;
  for (const auto& message : messages) texts.push_back(message.text);
  return texts;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_P(NavOperations, InsertedMessagesAreUnsentAndReadAsTheyWereWritten) {
  auto ids = queue().insert(
      {{2, "+4790", "føøbår 'quoted' \"twice\" \\ {a,b} 😀", 3}, {std::nullopt, "+4791", "", std::nullopt}});
  ASSERT_EQ(ids.size(), 2u);
  EXPECT_LT(ids[0], ids[1]);
  auto found = queue().messagesOf("+4790", SentStatus::unsent);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].id, ids[0]);
  EXPECT_EQ(found[0].user, "Kari");
  EXPECT_EQ(found[0].text, "føøbår 'quoted' \"twice\" \\ {a,b} 😀");
  EXPECT_EQ(found[0].severity, 3);
  EXPECT_FALSE(found[0].underWay);
  EXPECT_EQ(store().row(ids[0]).sent, 'N');
  EXPECT_EQ(store().row(ids[1]).severity, std::nullopt);
  EXPECT_EQ(store().row(ids[1]).text, "");
}

TEST_P(NavOperations, InsertingNothingInsertsNothing) { EXPECT_TRUE(queue().insert({}).empty()); }

// C49: NAV ended in a traceback.
TEST_P(NavOperations, ATooLongNumberIsRefusedWithItsBoundAndNothingIsInserted) {
  const std::size_t most = store().longestRecipient();
  std::string what;
  EXPECT_EQ(refusal(
                [&] {
                  queue().insert({{1, "+4790", "fine", 1}, {1, std::string(most + 1, '1'), "x", 1}});
                },
                &what),
            QueueError::Kind::invalid);
  EXPECT_NE(what.find(std::to_string(most)), std::string::npos) << what;
  EXPECT_EQ(what.find('\n'), std::string::npos) << what;
  EXPECT_EQ(store().one("SELECT count(*) FROM smsq"), "0");
}

// C49
TEST_P(NavOperations, AnUnknownAccountIsRefusedByItsNumber) {
  std::string what;
  EXPECT_EQ(refusal(
                [&] {
                  queue().insert({{4711, "+4790", "secret words", 1}});
                },
                &what),
            QueueError::Kind::invalid);
  EXPECT_NE(what.find("4711"), std::string::npos) << what;
  EXPECT_EQ(what.find("secret words"), std::string::npos) << what;
}

// NAV's table is as wide as it is; other backends take what an SMS of many parts could.
TEST_P(NavOperations, ATooLongTextIsRefusedWithoutBeingRepeated) {
  const std::size_t tooLong = store().longestText() + 1;
  const std::string most = std::to_string(tooLong - 1);
  std::string what;
  EXPECT_EQ(refusal(
                [&] {
                  queue().insert({{1, "+4790", std::string(tooLong, 'x'), 1}});
                },
                &what),
            QueueError::Kind::invalid);
  EXPECT_NE(what.find(most), std::string::npos) << what;
  EXPECT_EQ(what.find("xxxxxxxxxxxxxxxx"), std::string::npos) << what;
}

TEST_P(NavOperations, ATextOfAsManyCharactersAsTheColumnTakesIsNotCountedInBytes) {
  std::string text;
  for (int i = 0; i < 145; ++i) text += "ø";
  EXPECT_EQ(queue().insert({{1, "+4790", text, 1}}).size(), 1u);
}

TEST_P(NavOperations, AQueueStaysUsableAfterARefusedInsert) {
  EXPECT_EQ(refusal([&] { queue().insert({{4711, "+4790", "x", 1}}); }), QueueError::Kind::invalid);
  EXPECT_EQ(queue().insert({{1, "+4790", "x", 1}}).size(), 1u);
}

// C38: NAV's list joined the account and lost these rows, its cancel did not.
TEST_P(NavOperations, AMessageOfNoAccountIsListedAndCancelledLikeAnyOther) {
  store().put({.phone = "+4790", .text = "nobody's", .age = 1h});
  store().put({.phone = "+4791", .text = "kari's", .age = 30min, .account = 2});
  auto listed = queue().messages(SentStatus::unsent, 10);
  EXPECT_EQ(textsOf(listed), (Texts{"nobody's", "kari's"}));
  EXPECT_EQ(listed[0].user, "");
  EXPECT_EQ(listed[1].user, "Kari");
  EXPECT_EQ(queue().cancel(0ms), listed.size());
}

// C38: its report and its cancel were two transactions, too.
TEST_P(NavOperations, WhatIsCancelledIsWhatIsReported) {
  const auto nobodys = store().put({.phone = "+4790", .text = "nobody's"});
  const auto karis = store().put({.phone = "+4791", .text = "kari's", .severity = 2, .account = 2});
  store().put({.phone = "+4792"});
  claim(1);  // the most severe one is under way
  auto cancelled = queue().cancelAndList(0ms, 10);
  ASSERT_EQ(cancelled.messages.size(), 2u);
  EXPECT_EQ(cancelled.count, 2u);
  EXPECT_EQ(cancelled.messages[0].id, nobodys);
  EXPECT_EQ(cancelled.messages[0].user, "");
  EXPECT_EQ(cancelled.messages[1].recipient, "+4792");
  EXPECT_EQ(cancelled.messages[1].status, SentStatus::ignored);
  EXPECT_EQ(store().sent(nobodys), 'I');
  EXPECT_EQ(store().sent(karis), 'N');
  EXPECT_EQ(queue().cancelAndList(0ms, 10).count, 0u);
}

TEST_P(NavOperations, AReportOfWhatWasCancelledIsAsLongAsWasAskedFor) {
  for (int i = 0; i < 5; ++i) store().put({.phone = std::to_string(i)});
  auto cancelled = queue().cancelAndList(0ms, 2);
  EXPECT_EQ(cancelled.count, 5u);
  ASSERT_EQ(cancelled.messages.size(), 2u);
  EXPECT_LT(cancelled.messages[0].id, cancelled.messages[1].id);
}

TEST_P(NavOperations, ACancelTakesWhatIsChosenAndAPreviewChangesNothing) {
  const auto one = store().put({.phone = "1", .text = "one"});
  const auto two = store().put({.phone = "2", .text = "two"});
  const auto again = store().put({.phone = "2", .text = "again", .severity = 1});
  store().put({.phone = "3", .severity = 0});
  claim(1);  // the most severe one is under way
  const auto chosen = [&](const Choice& choice, Queue::Cancel cancel) {
    return queue().cancelChosen(choice, cancel, 10);
  };
  const auto preview = chosen({}, Queue::Cancel::preview);
  EXPECT_EQ(preview.count, 3u);
  EXPECT_EQ(textsOf(preview.messages), (Texts{"one", "two", "again"}));
  EXPECT_EQ(preview.messages[0].status, SentStatus::unsent);
  EXPECT_EQ(store().one("SELECT count(*) FROM smsq WHERE sent = 'N'"), "4");
  EXPECT_EQ(chosen({.recipient = ""}, Queue::Cancel::act).count, 0u);
  EXPECT_EQ(chosen({.recipient = "3"}, Queue::Cancel::act).count, 0u);
  EXPECT_EQ(chosen({.message = one, .recipient = "2"}, Queue::Cancel::act).count, 0u);
  EXPECT_EQ(chosen({.message = one}, Queue::Cancel::act).count, 1u);
  EXPECT_EQ(store().sent(one), 'I');
  EXPECT_EQ(chosen({.message = one}, Queue::Cancel::act).count, 0u);
  const auto both = chosen({.recipient = "2"}, Queue::Cancel::act);
  EXPECT_EQ(both.count, 2u);
  ASSERT_EQ(both.messages.size(), 2u);
  EXPECT_EQ(both.messages[0].status, SentStatus::ignored);
  EXPECT_EQ(store().sent(two), 'I');
  EXPECT_EQ(store().sent(again), 'I');
}

TEST_P(NavOperations, KnowsWhichMessagesAreStillIgnored) {
  if (!store().complete()) GTEST_SKIP() << "the backend returns all";
  std::vector<format::MessageId> ids;
  for (const char* phone : {"1", "2", "3"}) ids.push_back(store().put({.phone = phone}));
  EXPECT_TRUE(queue().stillIgnored(ids).empty());
  EXPECT_TRUE(queue().stillIgnored({}).empty());
  for (const auto id : {ids[0], ids[2]}) queue().setStatus(id, SentStatus::ignored, 0);
  auto found = queue().stillIgnored({ids[2], ids[1], ids[0], ids[2] + 100});
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found, (std::vector<format::MessageId>{ids[0], ids[2]}));
  queue().restore(ids[0], std::nullopt);
  EXPECT_EQ(queue().stillIgnored(ids), std::vector<format::MessageId>{ids[2]});
}

TEST_P(NavOperations, AnIgnoredMessageBecomesUnsentAgainAndAnyOtherStaysAsItIs) {
  using Result = Restored::Result;
  const auto id = store().put({.phone = "1", .text = "restored"});
  queue().cancel(0ms);
  const auto restored = queue().restore(id, std::nullopt);
  EXPECT_EQ(restored.result, Result::restored);
  EXPECT_EQ(restored.recipient, "1");
  EXPECT_EQ(store().sent(id), 'N');
  EXPECT_EQ(queue().restore(id, std::nullopt).result, Result::notIgnored);
  EXPECT_EQ(queue().restore(id + 100, std::nullopt).result, Result::unknown);
  const auto claimed = claim();
  ASSERT_EQ(recipients(claimed.submissions), (Texts{"1"}));
  EXPECT_TRUE(queue().restore(id, std::nullopt).underWay);
  queue().settle({accepted(claimed.submissions[0])});
  EXPECT_EQ(queue().restore(id, std::nullopt).result, Result::sent);
  EXPECT_EQ(store().sent(id), 'Y');
}

TEST_P(NavOperations, ARecipientsMessagesAreListedUpToALimit) {
  store().put({.phone = "1", .text = "mild", .severity = 3});
  store().put({.phone = "1", .text = "severe", .severity = 1});
  store().put({.phone = "1", .text = "none"});
  store().put({.phone = "2", .text = "another's", .severity = 1});
  EXPECT_EQ(textsOf(queue().firstMessagesOf("1", SentStatus::unsent, 2)), (Texts{"severe", "mild"}));
  EXPECT_EQ(queue().firstMessagesOf("1", SentStatus::unsent, 9).size(), 3u);
}

TEST_P(NavOperations, AnOperatorEndsTheWaitOfOneRecipientOrOfAll) {
  std::vector<format::MessageId> ids;
  for (const char* phone : {"1", "2", "3"}) ids.push_back(store().put({.phone = phone}));
  std::vector<Settlement> settlements;
  for (const auto& submission : claim().submissions) settlements.push_back(returned(submission, 1h));
  queue().settle(settlements);
  ASSERT_TRUE(claim().submissions.empty());
  auto ended = queue().endWaits({.message = ids[1], .recipient = ""});
  EXPECT_TRUE(ended.known);
  EXPECT_EQ(ended.recipient, "2");
  EXPECT_EQ(ended.count, 1u);
  auto again = claim();
  ASSERT_EQ(recipients(again.submissions), (Texts{"2"}));
  EXPECT_EQ(again.submissions[0].rounds, 0);  // forgotten with the wait
  EXPECT_EQ(queue().endWaits({.message = 0, .recipient = "1"}).count, 1u);
  EXPECT_EQ(recipients(claim().submissions), (Texts{"1"}));
  EXPECT_EQ(queue().endWaits({}).count, 1u);
  EXPECT_EQ(recipients(claim().submissions), (Texts{"3"}));
  EXPECT_EQ(queue().endWaits({}).count, 0u);
  EXPECT_EQ(queue().endWaits({.message = 0, .recipient = "4"}).count, 0u);
  EXPECT_FALSE(queue().endWaits({.message = ids[2] + 100, .recipient = ""}).known);
}

TEST_P(NavOperations, MessagesAreListedOldestFirstUpToTheLimitAndToTheMinute) {
  store().put({.phone = "1", .text = "new", .age = 1min});
  store().put({.phone = "2", .text = "old", .age = 3h});
  store().put({.phone = "3", .text = "older", .age = 72h});
  auto listed = queue().messages(SentStatus::unsent, 2);
  EXPECT_EQ(textsOf(listed), (Texts{"older", "old"}));
  EXPECT_EQ(listed[0].time.size(), std::string("2026-01-01 00:00").size()) << listed[0].time;
  EXPECT_TRUE(queue().messages(SentStatus::sent, 10).empty());
}

TEST_P(NavOperations, ARecipientsMessagesAreListedMostSevereFirst) {
  store().put({.phone = "1", .text = "none", .age = 9h});
  store().put({.phone = "1", .text = "three", .severity = 3, .age = 8h});
  store().put({.phone = "1", .text = "one, later", .severity = 1, .age = 1h});
  store().put({.phone = "1", .text = "one, earlier", .severity = 1, .age = 2h});
  store().put({.phone = "2", .text = "another's", .severity = 1});
  EXPECT_EQ(textsOf(queue().messagesOf("1", SentStatus::unsent)),
            (Texts{"one, earlier", "one, later", "three", "none"}));
}

TEST_P(NavOperations, RecipientsAreListedOnceInOrderOfTheNumber) {
  for (const char* phone : {"+479", "+471", "+479", "+475"}) store().put({.phone = phone});
  store().sql("UPDATE smsq SET sent = 'Y' WHERE phone = '+475'");
  EXPECT_EQ(queue().recipients(SentStatus::unsent), (Texts{"+471", "+479"}));
  EXPECT_EQ(queue().recipients(SentStatus::sent), (Texts{"+475"}));
}

TEST_P(NavOperations, AMessageIsListedAsUnderWayWhileALiveSubmissionHoldsItsRecipient) {
  store().put({.phone = "1", .text = "claimed"});
  auto claimed = claim();
  store().put({.phone = "1", .text = "came later"});
  for (const auto& message : queue().messages(SentStatus::unsent, 10))
    EXPECT_TRUE(message.underWay) << message.text;
  queue().settle({accepted(claimed.submissions.at(0))});
  auto left = queue().messagesOf("1", SentStatus::unsent);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_FALSE(left[0].underWay);
}

TEST_P(NavOperations, CancelTakesOnlyWhatIsOldEnough) {
  auto old = store().put({.phone = "1", .age = 2h});
  auto young = store().put({.phone = "2", .age = 10min});
  auto sent = store().put({.phone = "3", .age = 2h});
  store().sql("UPDATE smsq SET sent = 'Y' WHERE id = " + std::to_string(sent));
  EXPECT_EQ(queue().cancel(1h), 1u);
  EXPECT_EQ(store().sent(old), 'I');
  EXPECT_EQ(store().sent(young), 'N');
  EXPECT_EQ(store().sent(sent), 'Y');
}

// C41 is the other side: only a caller who says zero gets everything. C42: a row may be ahead of the
// database's clock.
TEST_P(NavOperations, CancellingAtAgeZeroTakesAlsoARowFromAnotherTimeZonesFuture) {
  auto future = store().put({.phone = "1", .age = -2h});
  EXPECT_EQ(queue().cancel(1ms), 0u);
  EXPECT_EQ(queue().cancel(0ms), 1u);
  EXPECT_EQ(store().sent(future), 'I');
}

TEST_P(NavOperations, CancelLeavesWhatIsUnderWay) {
  auto under = store().put({.phone = "1", .age = 2h});
  auto claimed = claim();
  auto later = store().put({.phone = "1", .age = 2h});
  auto other = store().put({.phone = "2", .age = 2h});
  EXPECT_EQ(queue().cancel(1h), 1u);
  EXPECT_EQ(store().sent(under), 'N');
  EXPECT_EQ(store().sent(later), 'N');
  EXPECT_EQ(store().sent(other), 'I');
}

TEST_P(NavOperations, AMarkByHandStampsTheTimeOfSentAndIgnoredOnly) {
  auto id = store().put({.phone = "1"});
  EXPECT_EQ(queue().setStatus(id, SentStatus::sent, 17), 1u);
  EXPECT_EQ(store().row(id).sent, 'Y');
  EXPECT_EQ(store().row(id).smsid, 17);
  EXPECT_TRUE(store().row(id).stamped);
  auto other = store().put({.phone = "1"});
  EXPECT_EQ(queue().setStatus(other, SentStatus::unsent, 0), 1u);
  EXPECT_FALSE(store().row(other).stamped);
  EXPECT_EQ(queue().setStatus(other, SentStatus::ignored, 0), 1u);
  EXPECT_EQ(store().sent(other), 'I');
  EXPECT_TRUE(store().row(other).stamped);
  EXPECT_EQ(queue().setStatus(987654, SentStatus::sent, 0), 0u);
}

// As in NAV: setsentstatus(id, 'N') leaves the time of the former mark in the row.
TEST_P(NavOperations, AMarkAsUnsentKeepsTheTimeOfTheFormerMark) {
  const auto id = store().put({.phone = "1"});
  queue().setStatus(id, SentStatus::sent, 17);
  EXPECT_EQ(queue().setStatus(id, SentStatus::unsent, 0), 1u);
  EXPECT_EQ(store().row(id).sent, 'N');
  EXPECT_EQ(store().row(id).smsid, 0);
  EXPECT_TRUE(store().row(id).stamped);
}

}  // namespace smsd::queue
