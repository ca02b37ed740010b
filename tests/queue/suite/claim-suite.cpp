// SPDX-License-Identifier: GPL-3.0-or-later
// Claims: who is taken, in which order, where the next claim goes on, and who is left alone.
#include "tests/queue/suite/queue-suite.h"

#include <set>

namespace smsd::queue {

namespace {

class Claim : public QueueSuite {};
SMSD_FOR_EACH_BACKEND(Claim);

using Names = std::vector<std::string>;

}  // namespace

TEST_P(Claim, AnEmptyQueueIsAtItsEnd) {
  auto result = claim();
  EXPECT_TRUE(result.submissions.empty());
  EXPECT_TRUE(result.atEnd);
  EXPECT_EQ(result.nextDue, std::nullopt);
}

TEST_P(Claim, ASubmissionCarriesEverythingTheRoadNeeds) {
  auto id = store().put({.phone = "+4790", .text = "router down ø", .severity = 2});
  auto claimed = claim().submissions;
  ASSERT_EQ(claimed.size(), 1u);
  const auto& submission = claimed[0];
  EXPECT_GT(submission.id, 0);
  EXPECT_GT(submission.attempt, 0u);
  EXPECT_EQ(submission.dispatcher, "modem");
  EXPECT_EQ(submission.recipient, "+4790");
  EXPECT_EQ(submission.sms.text, "router down ø");
  EXPECT_EQ(submission.sms.sent, std::vector<format::MessageId>{id});
  EXPECT_EQ(submission.severity, 2);
  EXPECT_EQ(submission.first, id);
  EXPECT_EQ(submission.rounds, 0);
}

TEST_P(Claim, ASubmissionHasTheAgeOfItsFirstMessageIfTheQueueTells) {
  store().put({.phone = "1", .severity = 2, .age = 2h});
  store().put({.phone = "1", .severity = 1, .age = 10min});
  const auto claimed = claim().submissions;
  ASSERT_EQ(claimed.size(), 1u);
  if (!claimed[0].queuedFor && !store().complete()) GTEST_SKIP() << "this queue does not tell";
  ASSERT_TRUE(claimed[0].queuedFor);
  EXPECT_NEAR(static_cast<double>(claimed[0].queuedFor->count()),
              static_cast<double>(Duration(10min).count()), 30'000);
}

TEST_P(Claim, AKeyIsTwelveHexDigitsOfTheQueueTheSubmissionAndEightOfItsFirstMessage) {
  store().put({.phone = "1"});
  store().put({.phone = "2"});
  auto claimed = claim().submissions;
  ASSERT_EQ(claimed.size(), 2u);
  for (const auto& submission : claimed) {
    ASSERT_GT(submission.key.size(), 13u);
    EXPECT_EQ(submission.key.substr(0, 12), claimed[0].key.substr(0, 12));
    EXPECT_EQ(submission.key.find_first_not_of("0123456789abcdef"), 12u);
    const std::string id = "-" + std::to_string(submission.id) + "-";
    EXPECT_EQ(submission.key.substr(12, id.size()), id);
    EXPECT_EQ(submission.key.size(), 12 + id.size() + 8);
    EXPECT_EQ(submission.key.find_first_not_of("0123456789abcdef", 12 + id.size()), std::string::npos);
  }
}

// C44: by severity, none last; then by time, then by id.
TEST_P(Claim, ARecipientsMessagesComeMostSevereAndOldestFirst) {
  store().put({.phone = "1", .text = "none", .age = 9h});
  store().put({.phone = "1", .text = "5", .severity = 5, .age = 8h});
  store().put({.phone = "1", .text = "1 later", .severity = 1, .age = 1h});
  store().put({.phone = "1", .text = "1 earlier", .severity = 1, .age = 2h});
  auto claimed = claim().submissions;
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_EQ(claimed[0].sms.text, "1 earlier|1 later|5|none");
  EXPECT_EQ(claimed[0].severity, 1);
  EXPECT_EQ(claimed[0].first, claimed[0].sms.sent.front());
}

// C43: NAV went by the number.
TEST_P(Claim, TheMostSevereRecipientGoesFirstWhateverItsNumber) {
  store().put({.phone = "+471", .severity = 5, .age = 9h});
  store().put({.phone = "+472", .age = 99h});
  store().put({.phone = "+477", .severity = 1, .age = 1h});
  store().put({.phone = "+479", .severity = 1, .age = 2h});
  store().put({.phone = "+478", .severity = 0, .age = 0h});
  EXPECT_EQ(recipients(claim().submissions), (Names{"+478", "+479", "+477", "+471", "+472"}));
}

TEST_P(Claim, RowsOfOneTimeGoByTheirId) {
  auto at = store().timeAgo(1h);
  store().sql(
      "INSERT INTO smsq (time, phone, msg, severity) SELECT t, p, 'x', s FROM (SELECT " + at +
      " AS t) AS c, (SELECT '9' AS p, 2 AS s UNION ALL SELECT '1', 2 UNION ALL SELECT '5', NULL UNION ALL "
      "SELECT '3', NULL) AS v");
  EXPECT_EQ(recipients(claim(1).submissions), Names{"9"});
  EXPECT_EQ(recipients(claim(1).submissions), Names{"1"});
  EXPECT_EQ(recipients(claim(1).submissions), Names{"5"});
  EXPECT_EQ(recipients(claim(1).submissions), Names{"3"});
}

TEST_P(Claim, ALimitCountsRecipientsNotMessages) {
  for (int i = 0; i < 12; ++i)
    store().put({.phone = std::to_string(i % 4), .severity = 1, .age = 60s * (20 - i)});
  auto first = claim(3).submissions;
  EXPECT_EQ(recipients(first), (Names{"0", "1", "2"}));
  for (const auto& submission : first) EXPECT_EQ(submission.sms.sent.size(), 3u);
}

TEST_P(Claim, ClaimsGoOnwardUntilTheEndAndThenStartOver) {
  for (int i = 0; i < 7; ++i) store().put({.phone = std::to_string(i), .severity = i});
  EXPECT_EQ(recipients(claim(3).submissions), (Names{"0", "1", "2"}));
  auto back = claim(3).submissions;
  EXPECT_EQ(recipients(back), (Names{"3", "4", "5"}));
  queue().settle({returned(back[0])});
  auto last = claim(3);
  EXPECT_EQ(recipients(last.submissions), Names{"6"});
  EXPECT_TRUE(last.atEnd);
  EXPECT_EQ(recipients(claim(3).submissions), Names{"3"});
}

TEST_P(Claim, ALookAtTheHeadFindsWhatCameBehindTheBackOfTheOnwardLook) {
  for (int i = 0; i < 6; ++i) store().put({.phone = std::to_string(i), .severity = 3, .age = 60s * (10 - i)});
  EXPECT_EQ(recipients(claim(2).submissions), (Names{"0", "1"}));
  store().put({.phone = "critical", .severity = 1});
  EXPECT_EQ(recipients(claim(1, Look::head).submissions), Names{"critical"});
  EXPECT_EQ(recipients(claim(2).submissions), (Names{"2", "3"}));
}

TEST_P(Claim, ALookAtTheHeadDoesNotMoveThePlaceWhereOnwardGoesOn) {
  for (int i = 0; i < 6; ++i) store().put({.phone = std::to_string(i), .severity = 3, .age = 60s * (10 - i)});
  auto first = claim(2).submissions;
  queue().settle({returned(first[0]), returned(first[1])});
  EXPECT_EQ(recipients(claim(1, Look::head).submissions), Names{"0"});
  EXPECT_EQ(recipients(claim(2).submissions), (Names{"2", "3"}));
}

// No starvation below: however many more severe ones keep coming, the look onward gets to the end of what was
// there when it began.
TEST_P(Claim, AStreamOfMoreSevereMessagesDoesNotKeepTheOnwardLookFromTheOthers) {
  for (int i = 0; i < 6; ++i) store().put({.phone = "info " + std::to_string(i), .severity = 5, .age = 1h});
  std::size_t infos = 0, criticals = 0, there = 0;
  auto look = [&](std::size_t limit) {
    auto result = claim(limit);
    for (const auto& name : recipients(result.submissions)) ++(name.starts_with("info") ? infos : criticals);
    return result.atEnd;
  };
  for (int looks = 0; looks < 6; ++looks) {
    for (int i = 0; i < 4; ++i) store().put({.phone = "critical " + std::to_string(there++), .severity = 1});
    EXPECT_FALSE(look(2));
  }
  EXPECT_EQ(infos, 6u) << "after the four that were there before";
  // What it left out is not forgotten, and the end is not said before it was looked at.
  for (int looks = 0; looks < 3 && !look(1000); ++looks) {
  }
  EXPECT_EQ(criticals, there);
}

// Whatever the sizes: everybody exactly once, and the end is said.
TEST_P(Claim, EveryRecipientIsClaimedExactlyOnceWhateverTheLimit) {
  for (std::size_t limit : {1u, 2u, 7u, 50u, 1000u}) {
    store().sql("DELETE FROM smsq");
    for (int i = 0; i < 60; ++i) {
      store().put({.phone = std::to_string(i % 41),
                   .severity = i % 5 == 0 ? std::optional<int>() : std::optional<int>(i % 3),
                   .age = 1s * (i * 37 % 60)});
    }
    std::set<std::string> seen;
    std::size_t messages = 0;
    for (bool atEnd = false; !atEnd;) {
      auto result = claim(limit);
      EXPECT_LE(result.submissions.size(), limit);
      std::vector<Settlement> done;
      for (const auto& submission : result.submissions) {
        EXPECT_TRUE(seen.insert(submission.recipient).second)
            << submission.recipient << " twice, limit " << limit;
        messages += submission.sms.sent.size();
        done.push_back(accepted(submission));
      }
      queue().settle(done);
      atEnd = result.atEnd;
    }
    EXPECT_EQ(seen.size(), 41u) << limit;
    EXPECT_EQ(messages, 60u) << limit;
  }
}

TEST_P(Claim, ARecipientIsLeftAloneWhileItsSubmissionIsLive) {
  store().put({.phone = "1"});
  auto claimed = claim().submissions;
  ASSERT_EQ(claimed.size(), 1u);
  store().put({.phone = "1", .text = "came later"});
  for (auto look : {Look::onward, Look::head}) EXPECT_TRUE(claim(10, look).submissions.empty());
  queue().settle({accepted(claimed[0])});
  auto next = claim().submissions;
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].sms.text, "came later");
}

TEST_P(Claim, AttemptsAndSubmissionsNeverRepeatTheirNumbers) {
  std::set<AttemptId> attempts;
  std::set<SubmissionId> submissions;
  for (int i = 0; i < 5; ++i) {
    store().put({.phone = "1"});
    auto claimed = claim().submissions;
    ASSERT_EQ(claimed.size(), 1u);
    EXPECT_TRUE(attempts.insert(claimed[0].attempt).second);
    EXPECT_TRUE(submissions.insert(claimed[0].id).second);
    for (auto attempt : queue().recordAttempts({{claimed[0].id, "deferred", "busy", "gateway"}}))
      EXPECT_TRUE(attempts.insert(attempt).second);
    queue().settle({accepted(claimed[0])});
    if (i == 2) crashAndComeBack();
  }
}

TEST_P(Claim, AWaitingRecipientIsPassedByUntilItIsDueAndSaysWhen) {
  store().put({.phone = "waits"});
  store().put({.phone = "goes", .severity = 5});
  auto claimed = claim().submissions;
  ASSERT_EQ(claimed.size(), 2u);
  queue().settle({returned(claimed[1], 1h), returned(claimed[0])});
  auto again = claim();
  EXPECT_EQ(recipients(again.submissions), Names{"goes"});
  ASSERT_TRUE(again.atEnd);
  ASSERT_TRUE(again.nextDue.has_value());
  EXPECT_GT(*again.nextDue, 59min);
  EXPECT_LE(*again.nextDue, 60min);
}

TEST_P(Claim, AWaitEndsByItselfAndNewMessagesJoin) {
  store().put({.phone = "1", .text = "a", .severity = 2});
  queue().settle({returned(claim().submissions.at(0), 30ms)});
  store().put({.phone = "1", .text = "b", .severity = 3});
  ClaimResult result;
  EXPECT_TRUE(eventually([&] { return !(result = claim()).submissions.empty(); }));
  ASSERT_EQ(result.submissions.size(), 1u);
  EXPECT_EQ(result.submissions[0].sms.text, "a|b");
  EXPECT_EQ(result.submissions[0].rounds, 1);
}

// C39: not only at the start of a run.
TEST_P(Claim, MessagesThatAreTooOldBecomeIgnoredInsteadOfBeingClaimed) {
  auto stale = store().put({.phone = "1", .text = "stale", .severity = 1, .age = 3h});
  auto fresh = store().put({.phone = "1", .text = "fresh", .severity = 2, .age = 1min});
  auto alone = store().put({.phone = "2", .text = "stale too", .age = 3h});
  auto wanted = request();
  wanted.expireAfter = 2h;
  auto result = queue().claim(wanted);
  EXPECT_EQ(result.expired, 2u);
  ASSERT_EQ(result.submissions.size(), 1u);
  EXPECT_EQ(result.submissions[0].sms.text, "fresh");
  EXPECT_EQ(result.submissions[0].severity, 2);
  for (auto id : {stale, alone}) {
    EXPECT_EQ(store().sent(id), 'I');
    EXPECT_TRUE(store().row(id).stamped);
  }
  EXPECT_EQ(store().sent(fresh), 'N');
}

TEST_P(Claim, ARecipientWhoseMessagesAllExpiredIsFreeAtOnce) {
  store().put({.phone = "1", .age = 3h});
  auto wanted = request();
  wanted.expireAfter = 2h;
  EXPECT_TRUE(queue().claim(wanted).submissions.empty());
  store().put({.phone = "1", .text = "fresh"});
  EXPECT_EQ(claim().submissions.size(), 1u);
}

TEST_P(Claim, AThousandMessagesAreReadAtATimeAndTheRestIsLookedAtAfterwards) {
  store().sql(
      "INSERT INTO smsq (time, phone, msg) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
      "WHERE i < "
      "1200) SELECT " +
      store().timeAgo(1h) + ", '1', 'm' || i FROM n");
  auto first = claim().submissions;
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].sms.sent.size(), 1000u);
  auto result = queue().settle({accepted(first[0])});
  EXPECT_EQ(result.sent, 1000u);
  EXPECT_TRUE(result.lookAgain);
  auto second = claim().submissions;
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].sms.sent.size(), 200u);
}

TEST_P(Claim, AClaimWorksWithoutAnyIndexOfOurs) {
  for (const auto& index : {"smsq_unsent_order", "smsq_unsent_phone"})
    store().sql(std::string("DROP INDEX IF EXISTS ") + index);
  crashAndComeBack();
  for (int i = 0; i < 20; ++i)
    store().put({.phone = std::to_string(i % 10), .text = std::to_string(i), .severity = i % 10});
  auto first = claim(6).submissions;
  EXPECT_EQ(recipients(first), (Names{"0", "1", "2", "3", "4", "5"}));
  EXPECT_EQ(first.at(3).sms.text, "3|13");
  auto rest = claim(6);
  EXPECT_EQ(rest.submissions.size(), 4u);
  EXPECT_TRUE(rest.atEnd);
}

}  // namespace smsd::queue
