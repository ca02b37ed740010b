// SPDX-License-Identifier: GPL-3.0-or-later
// Settlements and attempts: what becomes of the messages, of the recipient, and of what cannot be settled any
// more.
#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue {

namespace {

class Settle : public QueueSuite {};
SMSD_FOR_EACH_BACKEND(Settle);

}  // namespace

TEST_P(Settle, SentMessagesAreMarkedAndStamped) {
  auto id = store().put({.phone = "1"});
  auto result = queue().settle({accepted(claim().submissions.at(0), "77")});
  EXPECT_EQ(result.sent, 1u);
  EXPECT_EQ(result.ignored, 0u);
  EXPECT_FALSE(result.lookAgain);
  EXPECT_EQ(store().row(id).sent, 'Y');
  EXPECT_EQ(store().row(id).smsid, 77);
  EXPECT_TRUE(store().row(id).stamped);
}

TEST_P(Settle, SettlingNothingChangesNothing) {
  auto result = queue().settle({});
  EXPECT_EQ(result.sent + result.ignored, 0u);
  EXPECT_FALSE(result.lookAgain);
}

// C26: a string for a reference ended NAV's daemon, and sent the SMS again at each start.
TEST_P(Settle, AReferenceThatIsNoIntegerStaysWholeInTheSubmission) {
  struct {
    const char* reference;
    int smsid;
  } cases[] = {{"5f3c-uuid", 0},
               {"", 0},
               {"0", 0},
               {"2147483647", 2147483647},
               {"-7", -7},
               {"2147483648", 0},
               {"99999999999999999999", 0},
               {"12x", 0},
               {" 12", 0},
               {"1.5", 0},
               {"{\"a\",'b'}", 0},
               {"æ\\", 0}};
  for (auto [reference, smsid] : cases) {
    auto id = store().put({.phone = "1"});
    auto submission = claim().submissions.at(0);
    EXPECT_EQ(queue().settle({accepted(submission, reference)}).sent, 1u) << reference;
    EXPECT_EQ(store().row(id).sent, 'Y') << reference;
    EXPECT_EQ(store().row(id).smsid, smsid) << reference;
    if (*reference != '\0') {
      EXPECT_EQ(store().one("SELECT reference FROM " + store().own("submission") +
                            " WHERE id = " + std::to_string(submission.id)),
                reference);
    }
  }
}

TEST_P(Settle, EachMessageGetsTheReferenceOfItsOwnSubmission) {
  std::vector<format::MessageId> ids;
  for (int i = 0; i < 20; ++i)
    ids.push_back(store().put({.phone = std::to_string(i / 2), .severity = i / 2}));
  std::vector<Settlement> done;
  for (const auto& submission : claim().submissions)
    done.push_back(accepted(submission, "10" + submission.recipient));
  std::swap(done.front(), done.back());
  EXPECT_EQ(queue().settle(done).sent, 20u);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(store().row(ids[i]).smsid, 100 + i / 2);
}

TEST_P(Settle, WhatTheTextOnlyCountedIsIgnored) {
  auto told = store().put({.phone = "1", .severity = 1});
  auto counted = store().put({.phone = "1", .severity = 2});
  auto wanted = request();
  wanted.format = firstAndIgnore;
  auto result = queue().settle({accepted(queue().claim(wanted).submissions.at(0))});
  EXPECT_EQ(result.sent, 1u);
  EXPECT_EQ(result.ignored, 1u);
  EXPECT_EQ(store().sent(told), 'Y');
  EXPECT_EQ(store().sent(counted), 'I');
}

TEST_P(Settle, WhatWasCarriedOverStaysAndIsLookedAtAgain) {
  store().put({.phone = "1", .text = "a", .severity = 1});
  auto left = store().put({.phone = "1", .text = "b", .severity = 2});
  auto wanted = request();
  wanted.format = firstAndCarry;
  EXPECT_TRUE(queue().settle({accepted(queue().claim(wanted).submissions.at(0))}).lookAgain);
  EXPECT_EQ(store().sent(left), 'N');
  EXPECT_EQ(claim().submissions.at(0).sms.text, "b");
}

// As NAV leaves it: setsentstatus(id, 'I', smsid) with the smsid of the SMS that counted it.
TEST_P(Settle, WhatWasOnlyCountedCarriesTheSmsidOfItsSms) {
  store().put({.phone = "1", .severity = 1});
  auto counted = store().put({.phone = "1", .severity = 2});
  auto wanted = request();
  wanted.format = firstAndIgnore;
  auto settlement = accepted(queue().claim(wanted).submissions.at(0));
  settlement.reference = "77";
  queue().settle({settlement});
  EXPECT_EQ(store().sent(counted), 'I');
  EXPECT_EQ(store().row(counted).smsid, 77);
}

// In NAV only an SMS that was sent gives its reference to its rows.
TEST_P(Settle, AnSmsThatWasNotSentLeavesNoReferenceInItsRows) {
  const auto told = store().put({.phone = "1", .severity = 1});
  const auto counted = store().put({.phone = "1", .severity = 2});
  auto wanted = request();
  wanted.format = firstAndIgnore;
  auto settlement = ignored(queue().claim(wanted).submissions.at(0));
  settlement.reference = "77";
  EXPECT_EQ(queue().settle({settlement}).ignored, 2u);
  for (const auto id : {told, counted}) {
    EXPECT_EQ(store().row(id).sent, 'I');
    EXPECT_EQ(store().row(id).smsid, 0);
  }
}

TEST_P(Settle, AMessageThatWasCancelledMeanwhileIsSentAllTheSame) {
  auto told = store().put({.phone = "1", .severity = 1});
  auto counted = store().put({.phone = "1", .severity = 2});
  auto wanted = request();
  wanted.format = firstAndIgnore;
  auto submission = queue().claim(wanted).submissions.at(0);
  store().sql("UPDATE smsq SET sent = 'I' WHERE id = " + std::to_string(told));
  store().sql("UPDATE smsq SET sent = 'Y', smsid = 5 WHERE id = " + std::to_string(counted));
  auto result = queue().settle({accepted(submission)});
  EXPECT_EQ(result.sent, 1u);
  EXPECT_EQ(result.ignored, 0u);
  EXPECT_EQ(store().sent(told), 'Y') << "the truth is that it went out";
  EXPECT_EQ(store().sent(counted), 'Y');
  EXPECT_EQ(store().row(counted).smsid, 5);
}

TEST_P(Settle, AMarkOfSomebodyElseIsNotOverwritten) {
  auto id = store().put({.phone = "1"});
  auto submission = claim().submissions.at(0);
  store().sql("UPDATE smsq SET sent = 'Y', smsid = 5 WHERE id = " + std::to_string(id));
  EXPECT_EQ(queue().settle({accepted(submission, "6")}).sent, 0u);
  EXPECT_EQ(store().row(id).smsid, 5);
}

TEST_P(Settle, MessagesThatVanishedMeanwhileDoNotHinderASettlement) {
  auto gone = store().put({.phone = "1"});
  auto stays = store().put({.phone = "2", .severity = 1});
  auto claimed = claim().submissions;
  store().sql("DELETE FROM smsq WHERE id = " + std::to_string(gone));
  EXPECT_EQ(queue().settle({accepted(claimed.at(0)), accepted(claimed.at(1))}).sent, 1u);
  EXPECT_EQ(store().sent(stays), 'Y');
  store().put({.phone = "1"});
  EXPECT_EQ(claim().submissions.size(), 1u);
}

TEST_P(Settle, TheMessagesOfAnIgnoredSubmissionBecomeIgnoredWithTheReason) {
  auto told = store().put({.phone = "1", .severity = 1});
  auto counted = store().put({.phone = "1", .severity = 2});
  auto wanted = request();
  wanted.format = firstAndIgnore;
  auto submission = queue().claim(wanted).submissions.at(0);
  auto result = queue().settle({ignored(submission, "no such number")});
  EXPECT_EQ(result.sent, 0u);
  EXPECT_EQ(result.ignored, 2u);
  EXPECT_EQ(store().sent(told), 'I');
  EXPECT_EQ(store().sent(counted), 'I');
  EXPECT_TRUE(store().row(told).stamped);
  EXPECT_EQ(store().one("SELECT reason FROM " + store().own("submission") +
                        " WHERE id = " + std::to_string(submission.id)),
            "no such number");
}

TEST_P(Settle, ReturnedMessagesStayUnsentAndAreLookedAtAgain) {
  auto id = store().put({.phone = "1"});
  auto first = claim().submissions.at(0);
  auto result = queue().settle({returned(first)});
  EXPECT_EQ(result.sent + result.ignored, 0u);
  EXPECT_TRUE(result.lookAgain);
  EXPECT_EQ(store().sent(id), 'N');
  auto second = claim().submissions.at(0);
  EXPECT_EQ(second.rounds, 0);
  EXPECT_NE(second.id, first.id);
  EXPECT_NE(second.key, first.key);
}

TEST_P(Settle, RoundsAreCountedFromWaitToWait) {
  store().put({.phone = "1"});
  for (int rounds = 0; rounds < 4; ++rounds) {
    std::vector<Submission> claimed;
    ASSERT_TRUE(eventually([&] { return !(claimed = claim().submissions).empty(); }));
    EXPECT_EQ(claimed[0].rounds, rounds);
    EXPECT_FALSE(queue().settle({returned(claimed[0], 1ms)}).lookAgain);
  }
}

TEST_P(Settle, RoundsAreForgottenWhenTheRecipientsSmsIsDoneWith) {
  for (const auto& end : {&QueueSuite::accepted, &QueueSuite::ignored}) {
    store().put({.phone = "1"});
    queue().settle({returned(claim().submissions.at(0), 1ms)});
    std::vector<Submission> claimed;
    ASSERT_TRUE(eventually([&] { return !(claimed = claim().submissions).empty(); }));
    EXPECT_EQ(claimed[0].rounds, 1);
    queue().settle({end(claimed[0], "")});
    store().put({.phone = "1"});
    claimed = claim().submissions;
    ASSERT_EQ(claimed.size(), 1u);
    EXPECT_EQ(claimed[0].rounds, 0);
    queue().settle({accepted(claimed[0])});
  }
}

TEST_P(Settle, RoundsAreForgottenWhenASubmissionIsReturnedWithoutAWait) {
  store().put({.phone = "1"});
  queue().settle({returned(claim().submissions.at(0), 1ms)});
  std::vector<Submission> claimed;
  ASSERT_TRUE(eventually([&] { return !(claimed = claim().submissions).empty(); }));
  queue().settle({returned(claimed[0])});
  EXPECT_EQ(claim().submissions.at(0).rounds, 0);
}

TEST_P(Settle, WhatAClaimPassedByIsLookedAtAgain) {
  store().put({.phone = "1"});
  auto submission = claim().submissions.at(0);
  store().put({.phone = "1", .text = "came later"});
  EXPECT_TRUE(claim().submissions.empty());
  EXPECT_TRUE(queue().settle({accepted(submission)}).lookAgain);
}

TEST_P(Settle, NobodyLooksAgainForMessagesThatNoClaimPassedBy) {
  store().put({.phone = "1", .severity = 1});
  store().put({.phone = "2", .severity = 2});
  auto claimed = claim().submissions;
  EXPECT_TRUE(claim().submissions.empty()) << "passes by the very messages that are under way";
  EXPECT_FALSE(queue().settle({accepted(claimed.at(0)), accepted(claimed.at(1))}).lookAgain);
}

TEST_P(Settle, ASettlementThatIsRepeatedChangesNothingMore) {
  auto id = store().put({.phone = "1"});
  auto submission = claim().submissions.at(0);
  EXPECT_EQ(queue().settle({accepted(submission, "1")}).sent, 1u);
  EXPECT_EQ(queue().settle({accepted(submission, "2")}).sent, 0u);
  EXPECT_EQ(store().row(id).smsid, 1);
  store().put({.phone = "2"});
  auto other = claim().submissions.at(0);
  queue().settle({returned(other, 1h)});
  queue().settle({returned(other, 1h)});
  EXPECT_EQ(store().one("SELECT rounds FROM " + store().own("wait")), "1");
}

TEST_P(Settle, AnEndedSubmissionDoesNotTouchTheRecipientsNextOne) {
  store().put({.phone = "1"});
  auto first = claim().submissions.at(0);
  queue().settle({returned(first)});
  auto second = claim().submissions.at(0);
  queue().settle({accepted(first)});
  EXPECT_EQ(store().sent(second.first), 'N');
  EXPECT_TRUE(claim().submissions.empty()) << "still under way";
  EXPECT_EQ(queue().settle({accepted(second)}).sent, 1u);
}

TEST_P(Settle, NextAttemptsComeInTheOrderAskedForAndTheOldOnesAreKept) {
  for (const char* phone : {"1", "2", "3"}) store().put({.phone = phone, .severity = phone[0] - '0'});
  auto claimed = claim().submissions;
  ASSERT_EQ(claimed.size(), 3u);
  auto attempts = queue().recordAttempts({{claimed[2].id, "deferred", "modem busy", "gateway"},
                                          {claimed[0].id, "unknown", "it's {\"odd\"}", "mail"}});
  ASSERT_EQ(attempts.size(), 2u);
  auto attempt = [&](const Submission& submission, const char* column) {
    return store().one(std::string("SELECT ") + column + " FROM " + store().own("submission") +
                       " WHERE id = " + std::to_string(submission.id));
  };
  EXPECT_EQ(attempt(claimed[2], "attempt"), std::to_string(attempts[0]));
  EXPECT_EQ(attempt(claimed[2], "dispatcher"), "gateway");
  EXPECT_EQ(attempt(claimed[0], "attempt"), std::to_string(attempts[1]));
  EXPECT_EQ(attempt(claimed[0], "dispatcher"), "mail");
  EXPECT_EQ(attempt(claimed[1], "attempt"), std::to_string(claimed[1].attempt));
  auto history = store().sql("SELECT id, submission, dispatcher, outcome, reason FROM " +
                             store().own("attempt") + " ORDER BY id");
  ASSERT_EQ(history.size(), 2u);
  EXPECT_EQ(history[0],
            (std::vector<std::string>{std::to_string(claimed[0].attempt), std::to_string(claimed[0].id),
                                      "modem", "unknown", "it's {\"odd\"}"}));
  EXPECT_EQ(history[1][3], "deferred");
}

TEST_P(Settle, AnAttemptOfAnEndedSubmissionIsRefusedAndNothingIsRecorded) {
  store().put({.phone = "1", .severity = 1});
  store().put({.phone = "2", .severity = 2});
  auto claimed = claim().submissions;
  queue().settle({accepted(claimed.at(0))});
  EXPECT_EQ(refusal([&] {
              queue().recordAttempts(
                  {{claimed[1].id, "deferred", "", "gateway"}, {claimed[0].id, "deferred", "", "gateway"}});
            }),
            QueueError::Kind::fenced);
  EXPECT_EQ(store().one("SELECT dispatcher FROM " + store().own("submission") +
                        " WHERE id = " + std::to_string(claimed[1].id)),
            "modem");
  EXPECT_EQ(store().one("SELECT count(*) FROM " + store().own("attempt")), "0");
}

TEST_P(Settle, AttemptsThatFailedAreKeptAndAPlainSuccessIsNot) {
  store().put({.phone = "1", .severity = 1});
  store().put({.phone = "2", .severity = 2});
  store().put({.phone = "3", .severity = 3});
  auto claimed = claim().submissions;
  queue().settle({accepted(claimed.at(0)), ignored(claimed.at(1)), returned(claimed.at(2), 1h)});
  auto history = store().sql("SELECT id, outcome FROM " + store().own("attempt") + " ORDER BY id");
  ASSERT_EQ(history.size(), 2u);
  EXPECT_EQ(history[0], (std::vector<std::string>{std::to_string(claimed[1].attempt), "refused"}));
  EXPECT_EQ(history[1], (std::vector<std::string>{std::to_string(claimed[2].attempt), "deferred"}));
}

TEST_P(Settle, ManySettlementsOfAllKindsShareOneCall) {
  constexpr int many = 300;
  for (int i = 0; i < many; ++i) store().put({.phone = std::to_string(i), .severity = i});
  auto claimed = claim(many).submissions;
  ASSERT_EQ(claimed.size(), std::size_t(many));
  std::vector<Settlement> all;
  for (int i = 0; i < many; ++i)
    all.push_back(i % 3 == 0   ? accepted(claimed[i], std::to_string(i))
                  : i % 3 == 1 ? ignored(claimed[i])
                               : returned(claimed[i], 1h));
  auto result = queue().settle(all);
  EXPECT_EQ(result.sent, 100u);
  EXPECT_EQ(result.ignored, 100u);
  EXPECT_EQ(store().one("SELECT count(*) FROM smsq WHERE sent = 'N'"), "100");
  EXPECT_TRUE(claim(many).submissions.empty());
}

}  // namespace smsd::queue
