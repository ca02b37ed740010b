// SPDX-License-Identifier: GPL-3.0-or-later
// The queue's records on their way over control.sock: unchanged, and bounded.
#include "supervisor/control/queue-answers.h"

#include <capnp/message.h>
#include <gtest/gtest.h>

namespace smsd::control {
namespace {

using namespace std::chrono_literals;

queue::StoredMessage message(std::optional<int> severity = 3) {
  return {.id = 5,
          .recipient = "+4799887766",
          .user = "Kari",
          .text = std::string("ø\0x", 4),
          .severity = severity,
          .time = "2026-01-01 00:00",
          .status = queue::SentStatus::ignored,
          .underWay = true,
          .held = true};
}

void expectEqual(const queue::StoredMessage& one, const queue::StoredMessage& other) {
  EXPECT_EQ(one.id, other.id);
  EXPECT_EQ(one.recipient, other.recipient);
  EXPECT_EQ(one.user, other.user);
  EXPECT_EQ(one.text, other.text);
  EXPECT_EQ(one.severity, other.severity);
  EXPECT_EQ(one.time, other.time);
  EXPECT_EQ(one.status, other.status);
  EXPECT_EQ(one.underWay, other.underWay);
  EXPECT_EQ(one.held, other.held);
}

queue::MessageLife throughTheSocket(const queue::MessageLife& life, std::uint64_t* omitted = nullptr) {
  capnp::MallocMessageBuilder builder;
  auto wire = builder.initRoot<proto::MessageLife>();
  write(wire, life);
  if (omitted != nullptr) *omitted = wire.getOmitted();
  EXPECT_LT(builder.sizeInWords() * sizeof(capnp::word), 2 * proto::MAX_ANSWER);
  return read(wire.asReader());
}

queue::SubmissionRecord submission(queue::SubmissionId id, std::size_t attempts, std::size_t textSize = 4) {
  queue::SubmissionRecord record;
  record.id = id;
  record.text = std::string(textSize, 't');
  for (std::size_t i = 0; i < attempts; ++i)
    record.attempts.push_back({.id = i + 1,
                               .dispatcher = "modem",
                               .outcome = "deferred",
                               .reason = "busy",
                               .reference = "",
                               .ended = "2026-01-01 00:00:01",
                               .took = 5ms});
  return record;
}

TEST(QueueAnswers, AMessageComesAsItWas) {
  for (const auto severity : {std::optional<int>(3), std::optional<int>(0), std::optional<int>()}) {
    capnp::MallocMessageBuilder builder;
    auto list = builder.getRoot<capnp::AnyPointer>().initAs<capnp::List<proto::QueuedMessage>>(1);
    write(list, std::vector{message(severity)});
    const auto came = read(list.asReader());
    ASSERT_EQ(came.size(), 1U);
    expectEqual(came[0], message(severity));
  }
}

TEST(QueueAnswers, AHeldSmsComesAsItWas) {
  const queue::HeldSms held{1, "+471", "text", {5, 6}, std::nullopt, "modem", "silence", "2026-01-01"};
  capnp::MallocMessageBuilder builder;
  auto list = builder.getRoot<capnp::AnyPointer>().initAs<capnp::List<proto::HeldSms>>(1);
  write(list, std::vector{held});
  const auto came = read(list.asReader());
  ASSERT_EQ(came.size(), 1U);
  EXPECT_EQ(came[0].id, held.id);
  EXPECT_EQ(came[0].recipient + came[0].text + came[0].dispatcher + came[0].reason + came[0].since,
            held.recipient + held.text + held.dispatcher + held.reason + held.since);
  EXPECT_EQ(came[0].messages, held.messages);
  EXPECT_EQ(came[0].severity, held.severity);
}

TEST(QueueAnswers, ALifeComesAsItWas) {
  queue::MessageLife life;
  life.message = message();
  life.timeSent = "2026-01-01 00:00:09";
  life.smsid = 77;
  life.submissions = {submission(1, 2)};
  auto& sms = life.submissions[0];
  sms.key = "key";
  sms.supervisor = "nms[1]";
  sms.created = "created";
  sms.ended = "ended";
  sms.fate = "sent";
  sms.decided = "decided";
  sms.messages = {5, 6};
  sms.onlyCounted = true;
  sms.encoding = "gsm7";
  sms.units = 4;
  sms.parts = 1;
  sms.attempts[1].took.reset();
  sms.attempts[1].reference = "77";
  life.ignoredBecause = "expired";
  life.waitsUntil = "later";
  life.pacedUntil = "even later";
  life.rounds = 3;
  life.failingSince = "since";
  life.failing = 4s;
  life.latency = 9s;
  std::uint64_t omitted = 1;
  const auto came = throughTheSocket(life, &omitted);
  EXPECT_EQ(omitted, 0U);
  expectEqual(came.message, life.message);
  EXPECT_EQ(came.timeSent + came.ignoredBecause + came.waitsUntil + came.pacedUntil + came.failingSince,
            life.timeSent + life.ignoredBecause + life.waitsUntil + life.pacedUntil + life.failingSince);
  EXPECT_EQ(came.smsid, life.smsid);
  EXPECT_EQ(came.rounds, 3);
  EXPECT_EQ(came.failing, life.failing);
  EXPECT_EQ(came.latency, life.latency);
  ASSERT_EQ(came.submissions.size(), 1U);
  const auto& there = came.submissions[0];
  EXPECT_EQ(
      there.key + there.text + there.supervisor + there.created + there.ended + there.fate + there.decided +
          there.encoding,
      sms.key + sms.text + sms.supervisor + sms.created + sms.ended + sms.fate + sms.decided + sms.encoding);
  EXPECT_EQ(there.messages, sms.messages);
  EXPECT_TRUE(there.onlyCounted);
  EXPECT_EQ(there.units, 4U);
  EXPECT_EQ(there.parts, 1U);
  ASSERT_EQ(there.attempts.size(), 2U);
  EXPECT_EQ(there.attempts[0].took, 5ms);
  EXPECT_EQ(there.attempts[1].took, std::nullopt);
  EXPECT_EQ(there.attempts[1].reference, "77");
  EXPECT_EQ(there.attempts[1].reason + there.attempts[1].outcome, "busydeferred");
}

TEST(QueueAnswers, ALongHistoryLosesItsBeginning) {
  queue::MessageLife life;
  for (int i = 1; i <= 100; ++i) life.submissions.push_back(submission(i, 60, 16'000));
  std::uint64_t omitted = 0;
  const auto came = throughTheSocket(life, &omitted);
  ASSERT_FALSE(came.submissions.empty());
  EXPECT_EQ(came.submissions.back().id, 100);
  EXPECT_EQ(came.submissions.back().attempts.size(), proto::MAX_ATTEMPTS);
  EXPECT_EQ(came.submissions.back().attempts.back().id, 60U);
  EXPECT_EQ(omitted, 100 - came.submissions.size() + 10 * came.submissions.size());
}

TEST(QueueAnswers, AListEndsAtItsBounds) {
  EXPECT_EQ(mayList(7), 7U);
  EXPECT_EQ(mayList(4'000'000'000), proto::MAX_LISTED);
  EXPECT_EQ(fitting(std::vector(9, message()), 7), 7U);
  EXPECT_EQ(fitting(std::vector(9, message()), 20), 9U);
  queue::StoredMessage large = message();
  large.text = std::string(20'000, 'x');
  EXPECT_EQ(fitting(std::vector(100, large), 100), proto::MAX_ANSWER / 20'107);
}

TEST(QueueAnswers, ALetterThatIsNoStatusIsNone) {
  EXPECT_EQ(statusOf("N"), queue::SentStatus::unsent);
  EXPECT_EQ(statusOf("Y"), queue::SentStatus::sent);
  EXPECT_EQ(statusOf("I"), queue::SentStatus::ignored);
  for (const char* other : {"", "n", "NN", "X"}) EXPECT_EQ(statusOf(other), std::nullopt) << other;
}

}  // namespace
}  // namespace smsd::control
