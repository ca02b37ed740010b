// SPDX-License-Identifier: GPL-3.0-or-later
// The words of `smsctl explain`: state, reason, next step.
#include "supervisor/smsctl/life-words.h"

#include <gtest/gtest.h>

namespace smsd::smsctl {
namespace {

using namespace std::chrono_literals;
using queue::AttemptRecord;
using queue::MessageLife;
using queue::SentStatus;
using queue::SubmissionRecord;

SubmissionRecord sms(const std::string& fate, const std::string& outcome = "accepted",
                     const std::string& reason = "") {
  SubmissionRecord record;
  record.id = 7;
  record.text = "text";
  record.fate = fate;
  record.ended = fate.empty() ? "" : "2026-01-01 00:00:00";
  AttemptRecord attempt;
  attempt.dispatcher = "modem";
  attempt.outcome = outcome;
  attempt.reason = reason;
  record.attempts = {attempt};
  return record;
}

MessageLife life(SentStatus status, std::vector<SubmissionRecord> submissions = {}) {
  MessageLife result;
  result.message.id = 5;
  result.message.status = status;
  result.submissions = std::move(submissions);
  return result;
}

MessageLife ignoredAs(const std::string& because) {
  MessageLife result = life(SentStatus::ignored);
  result.ignoredBecause = because;
  return result;
}

MessageLife waiting() {
  MessageLife result = life(SentStatus::unsent, {sms("returned")});
  result.waitsUntil = "2026-01-01 00:01:00";
  return result;
}

MessageLife paced() {
  MessageLife result = life(SentStatus::unsent);
  result.pacedUntil = "2026-01-01 00:01:00";
  return result;
}

MessageLife behindAnother() {
  MessageLife result = life(SentStatus::unsent);
  result.message.underWay = true;
  return result;
}

bool mayBeSent(const MessageLife& life) {
  return !life.submissions.empty() && life.submissions.back().attempts.back().outcome == "unknown";
}

SubmissionRecord counted() {
  SubmissionRecord record = sms("sent");
  record.onlyCounted = true;
  return record;
}

TEST(LifeWords, EachStateHasItsReasonAndANextStep) {
  const struct {
    const char* name;
    MessageLife life;
    const char* state;
    const char* why;   // why it is ignored
    const char* next;  // a part of the next step
  } rows[] = {
      {"not claimed", life(SentStatus::unsent), "unsent", "", "`smsctl status` shows why"},
      {"in progress", life(SentStatus::unsent, {sms("")}), "under way", "", "wait for the outcome"},
      {"behind another", behindAnother(), "unsent", "", "the SMS of its recipient has to end first"},
      {"waiting", waiting(), "unsent", "", "`smsctl queue retry 5` tries it now"},
      {"paced", paced(), "unsent", "", "wait: its recipient is paced"},
      {"held", life(SentStatus::unsent, {sms("held", "unknown")}), "held", "",
       "`smsctl queue release 7` lets it be sent again, `smsctl queue discard 7` gives it up"},
      {"sent", life(SentStatus::sent, {sms("sent")}), "sent", "", "nothing to do"},
      {"cancelled", ignoredAs("cancelled"), "ignored", "cancelled", "`smsctl queue retry 5` makes it unsent"},
      {"expired", ignoredAs("expired"), "ignored", "expired", "`smsctl send`"},
      {"refused", life(SentStatus::ignored, {sms("ignored", "refused", "bad number")}), "ignored",
       "every dispatcher refused it; last reason: bad number", "`smsctl queue retry 5`"},
      {"given up", life(SentStatus::ignored, {sms("ignored", "deferred", "no network")}), "ignored",
       "no dispatcher accepted it in all rounds of retry.limit; last answer: deferred (no network)",
       "`smsctl queue retry 5`"},
      {"discarded", life(SentStatus::ignored, {sms("discarded", "unknown")}), "ignored",
       "discarded by an operator", "`smsctl queue retry 5`"},
      {"counted only", life(SentStatus::ignored, {counted()}), "ignored",
       "an SMS that was full only counted it", "`smsctl queue retry 5`"},
      {"by hand", life(SentStatus::ignored, {sms("returned")}), "ignored", "marked by another program",
       "`smsctl queue retry 5`"},
      {"no history", life(SentStatus::ignored), "ignored",
       "marked by another program, or its history was deleted (queue.keep_history)",
       "`smsctl queue retry 5`"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(stateOf(row.life), row.state) << row.name;
    EXPECT_EQ(whyIgnored(row.life), row.why) << row.name;
    const std::string next = nextStep(row.life, Retryable::yes);
    EXPECT_NE(next.find(row.next), std::string::npos) << row.name << ": " << next;
    EXPECT_EQ(next.find("would arrive twice") != std::string::npos,
              row.life.message.status == SentStatus::ignored && mayBeSent(row.life))
        << row.name << ": " << next;
  }
}

TEST(LifeWords, NothingIsToBeWaitedForWithoutSmsd) {
  for (const auto& one :
       {life(SentStatus::unsent), life(SentStatus::unsent, {sms("")}), behindAnother(), waiting()})
    EXPECT_EQ(nextStep(one, Retryable::yes, FromSmsd::no),
              "no smsd on this host answers: `smsctl status` shows why");
  EXPECT_TRUE(nextStep(life(SentStatus::unsent, {sms("held", "unknown")}), Retryable::yes, FromSmsd::no)
                  .starts_with("decide: "));
  EXPECT_EQ(nextStep(life(SentStatus::sent, {sms("sent")}), Retryable::yes, FromSmsd::no), "nothing to do");
}

TEST(LifeWords, SayWhyAMessageIsNotCancelled) {
  EXPECT_EQ(whyNotCancelled(5, std::nullopt), "there is no message 5 in the queue");
  const std::pair<MessageLife, const char*> rows[] = {
      {life(SentStatus::sent, {sms("sent")}), "it was sent"},
      {ignoredAs("cancelled"), "it is ignored already"},
      {life(SentStatus::unsent, {sms("held", "unknown")}),
       "it is held, because it may have been sent: `smsctl queue discard 7` gives it up"},
      {life(SentStatus::unsent, {sms("")}),
       "an SMS to its recipient is under way; `smsctl explain 5` shows it"},
      {behindAnother(), "an SMS to its recipient is under way; `smsctl explain 5` shows it"},
  };
  for (const auto& [life, why] : rows)
    EXPECT_EQ(whyNotCancelled(5, life), "message 5 cannot be cancelled: " + std::string(why));
}

TEST(LifeWords, AnIgnoredMessageThatRetryWouldRefuseIsToBeSentAsANewOne) {
  for (const auto& one :
       {ignoredAs("cancelled"), life(SentStatus::ignored, {sms("ignored", "refused", "no")})}) {
    const std::string next = nextStep(one, Retryable::tooOld);
    EXPECT_NE(next.find("`smsctl send`"), std::string::npos) << next;
    EXPECT_EQ(next.find("queue retry"), std::string::npos) << next;
  }
}

TEST(LifeWords, ARetryOfWhatMayHaveBeenSentWarnsOfASecondCopy) {
  MessageLife cancelled = ignoredAs("cancelled");
  EXPECT_EQ(nextStep(cancelled, Retryable::yes).find("twice"), std::string::npos);
  cancelled.submissions = {sms("returned", "unknown")};
  EXPECT_NE(nextStep(cancelled, Retryable::yes).find("it may have been sent, and would arrive twice then"),
            std::string::npos);
  EXPECT_NE(nextStep(cancelled, Retryable::tooOld).find("it may have been sent before"), std::string::npos);
}

TEST(LifeWords, PatienceSaysWhenAMessageIsGivenUp) {
  MessageLife failing = waiting();
  failing.rounds = 2;
  failing.failing = 1h;
  using config::AtLimit;
  const struct {
    GivingUp givingUp;
    const char* words;
  } rows[] = {
      {{5, AtLimit::ignore, 4h}, "given up if it still fails in 3h and 5 rounds are counted"},
      {{5, AtLimit::ignore, 30min}, "given up after 5 rounds"},
      {{2, AtLimit::ignore, 30min}, "given up at the next failure"},
      {{5, AtLimit::ignore, std::nullopt}, "it is never given up (retry.give_up_after)"},
      {{5, AtLimit::shutdown, 4h}, "2 counted rounds without success"},
  };
  for (const auto& row : rows)
    EXPECT_NE(patience(failing, row.givingUp).find(row.words), std::string::npos)
        << patience(failing, row.givingUp);
  EXPECT_EQ(patience(failing, {5, AtLimit::shutdown, 4h}).find("given up"), std::string::npos);
}

TEST(LifeWords, FormattingAndTimesAreOnesThatPeopleRead) {
  SubmissionRecord record = sms("sent");
  EXPECT_EQ(formatting(record), "");
  record.encoding = "gsm7";
  record.units = 170;
  record.parts = 2;
  EXPECT_EQ(formatting(record), "2 parts, 170 septets in GSM-7");
  record.encoding = "ucs2";
  record.parts = 1;
  EXPECT_EQ(formatting(record), "1 part, 170 UTF-16 units in UCS-2");
  EXPECT_EQ(tookWords(12ms), "12 ms");
  EXPECT_EQ(tookWords(4500ms), "4.5 s");
  EXPECT_EQ(tookWords(3h + 51min), "3h 51m");
}

}  // namespace
}  // namespace smsd::smsctl
