// SPDX-License-Identifier: GPL-3.0-or-later
// The rules that both backends of the queue share: names, bounds, order, and the values of a message.
#include <gtest/gtest.h>

#include <climits>

#include "supervisor/queue/claim-rules.h"
#include "supervisor/queue/clock-watch.h"
#include "supervisor/queue/ranges.h"
#include "supervisor/queue/smsid.h"
#include "supervisor/queue/stamps.h"
#include "supervisor/queue/stored-names.h"

namespace smsd::queue {
namespace {

using namespace std::chrono_literals;

TEST(StoredNames, AreThoseInTheDatabase) {
  const std::pair<Fate, std::string_view> fates[] = {
      {Fate::sent, "sent"},
      {Fate::ignored, "ignored"},
      {Fate::returned, "returned"},
      {Fate::held, "held"},
  };
  for (const auto& [fate, name] : fates) EXPECT_EQ(fateName(fate), name);
  EXPECT_EQ(letter(SentStatus::unsent) + letter(SentStatus::sent) + letter(SentStatus::ignored), "NYI");
  for (auto encoding : {format::Encoding::gsm7, format::Encoding::ucs2})
    EXPECT_EQ(encodingOf(encodingName(encoding)), encoding);
  EXPECT_EQ(encodingOf("other"), format::Encoding::gsm7);
}

TEST(Smsid, IsTheReferenceIfItIsAnIntegerThatFits) {
  const std::pair<const char*, int> rows[] = {
      {"4711", 4711}, {"-5", -5}, {"2147483647", INT_MAX}, {"2147483648", 0}, {"", 0}, {"a8-17", 0},
      {"17a", 0},     {" 17", 0},
  };
  for (const auto& [reference, smsid] : rows) EXPECT_EQ(smsidOf(reference), smsid) << reference;
}

TEST(Ranges, BoundWhatADatabaseCannotHold) {
  EXPECT_EQ(rowLimit(0), 0);
  EXPECT_EQ(rowLimit(500), 500);
  EXPECT_EQ(rowLimit(UINT64_MAX), INT64_MAX - 1);
  EXPECT_EQ(elapsed(1500), 1500ms);
  EXPECT_EQ(elapsed(-1), 0ms);
  EXPECT_EQ(nearestInt(-7), -7);
  EXPECT_EQ(nearestInt(INT64_MAX), INT_MAX);
  EXPECT_EQ(nearestInt(INT64_MIN), INT_MIN);
}

TEST(ClaimRules, SubmissionsAreSortedAsTheQueue) {
  struct Row {
    Submission submission;
    std::string firstTime;
  };
  const auto row = [](std::optional<int> severity, const char* time, format::MessageId first) {
    Row made;
    made.submission.severity = severity;
    made.submission.first = first;
    made.firstTime = time;
    return made;
  };
  const std::vector<Row> sorted = {
      row(-1, "2026-01-02", 9),
      row(1, "-infinity", 8),
      row(1, "2026-01-01", 7),
      row(1, "2026-01-02", 5),
      row(1, "2026-01-02", 6),
      row(2, "2026-01-01", 1),
      row(std::nullopt, "2026-01-01", 2),
      row(std::nullopt, "2026-01-02", 1),
  };
  std::vector<Row> found(sorted.rbegin(), sorted.rend());
  sortAsQueue(found);
  for (std::size_t i = 0; i < sorted.size(); ++i)
    EXPECT_EQ(found[i].submission.first, sorted[i].submission.first) << i;
}

TEST(ClockWatch, AnElapsedTimeIsReducedByTheStepsSinceItsEntry) {
  ClockWatch watch;
  watch.see(1000h, 0h);
  watch.see(1002h, 0h);
  EXPECT_EQ(watch.withoutSteps(3h, 999h), 1h);
  EXPECT_EQ(watch.withoutSteps(1h, 999h), 0h);
  EXPECT_EQ(watch.withoutSteps(3h, 1002h), 3h);
  EXPECT_EQ(watch.withoutSteps(-1h, 1002h), 0h);
}

TEST(Stamps, BelongToTheMessagesInTheTextThenToThoseOnlyCounted) {
  Submission submission;
  submission.sms.sent = {11, 12};
  submission.sms.ignored = {13};
  const auto said = [&] {
    std::string all;
    eachMessage(submission, [&](format::MessageId id, std::optional<std::int64_t> stamp, MessagePlace place) {
      all += std::to_string(id) + (place == MessagePlace::inText ? "t" : "c") +
             (stamp ? std::to_string(*stamp) : "-") + " ";
    });
    return all;
  };
  submission.stamps = {1, 2, 3};
  EXPECT_EQ(said(), "11t1 12t2 13c3 ");
  submission.stamps = {1, 2};
  EXPECT_EQ(said(), "11t- 12t- 13c- ") << "an older version stored none";
}

}  // namespace
}  // namespace smsd::queue
