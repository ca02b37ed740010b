// SPDX-License-Identifier: GPL-3.0-or-later
// The depth: how many messages are unsent, held and late, the age of the oldest, and each by its severity.
#include <algorithm>

#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue {

namespace {

class QueueDepth : public QueueSuite {};
SMSD_FOR_EACH_BACKEND(QueueDepth);

}  // namespace

TEST_P(QueueDepth, StopsCountingAtItsBound) {
  EXPECT_EQ(queue().depth(10).unsent, 0u);
  EXPECT_FALSE(queue().depth(10).more);
  EXPECT_EQ(queue().depth(10).oldest, std::nullopt);
  for (int i = 0; i < 5; ++i) store().put({.phone = std::to_string(i), .severity = 4 - i});
  auto all = queue().depth(5);
  EXPECT_EQ(all.unsent, 5u);
  EXPECT_FALSE(all.more);
  auto some = queue().depth(4);
  EXPECT_EQ(some.unsent, 4u);
  EXPECT_TRUE(some.more);
}

TEST_P(QueueDepth, CountsEachSeverityWithTheAgeOfItsOldest) {
  if (!store().complete()) {
    store().put({.phone = "0", .severity = 1});
    if (queue().depth(10).severities.empty()) GTEST_SKIP() << "this queue does not tell";
    queue().cancel(Duration(0));
  }
  const std::pair<std::optional<int>, std::chrono::minutes> rows[] = {
      {1, 1min}, {1, 5min}, {9, 2min}, {0, 3min}, {-4, 1min}, {10, 4min}, {std::nullopt, 6min}};
  int phone = 1;
  for (const auto& [severity, age] : rows)
    store().put({.phone = std::to_string(phone++), .severity = severity, .age = age});
  const auto found = [this](std::optional<int> severity) {
    for (const auto& one : queue().depth(100).severities)
      if (one.severity == severity) return one;
    return SeverityDepth{};
  };
  const std::tuple<std::optional<int>, std::uint64_t, std::chrono::minutes> expected[] = {
      {1, 2, 5min}, {9, 1, 2min}, {0, 3, 4min}, {std::nullopt, 1, 6min}};
  for (const auto& [severity, count, age] : expected) {
    const SeverityDepth one = found(severity);
    EXPECT_EQ(one.unsent, count) << severity.value_or(-1);
    ASSERT_TRUE(one.oldest) << severity.value_or(-1);
    EXPECT_NEAR(static_cast<double>(one.oldest->count()), static_cast<double>(Duration(age).count()), 30'000);
  }
  EXPECT_EQ(queue().depth(100).severities.size(), 4u);
  EXPECT_EQ(queue().depth(100).unsent, 7u);
}

TEST_P(QueueDepth, SaysTheAgeAndSeverityOfTheOldestWhateverItIs) {
  for (std::optional<int> severity : {std::optional<int>(1), std::optional<int>(5), std::optional<int>()}) {
    store().put({.phone = "1", .severity = severity, .age = 1min});
    auto oldest = store().put({.phone = "2", .severity = severity, .age = 2h});
    auto depth = queue().depth(1);
    ASSERT_TRUE(depth.oldest.has_value());
    EXPECT_GE(*depth.oldest, 2h - 1min);
    EXPECT_LT(*depth.oldest, 2h + 10min);
    EXPECT_EQ(depth.oldestSeverity, severity);
    queue().setStatus(oldest, SentStatus::sent, 0);
    EXPECT_LT(queue().depth(1).oldest, Duration(1h));
  }
}

TEST_P(QueueDepth, TellsWhatNobodysTroubleKeepsWaitingFromWhatIsHeldOrWaitsForItsRecipient) {
  auto claim = [this](const std::string& phone, std::chrono::seconds age) {
    store().put({.phone = phone, .severity = 1, .age = age});
    return queue().claim(request()).submissions.at(0);
  };
  EXPECT_EQ(queue().depth(10).late, std::nullopt);
  auto held = claim("1", 4h), waits = claim("2", 3h), outage = claim("3", 2h);
  EXPECT_GE(queue().depth(10).late, Duration(4h - 1min)) << "under way";
  queue().settle({{.submission = held, .fate = Fate::held, .outcome = "unknown"}});
  EXPECT_EQ(queue().depth(10).held, 1u);
  EXPECT_LT(queue().depth(10).late, Duration(3h + 10min));
  queue().settle(
      {{.submission = waits, .fate = Fate::returned, .outcome = "deferred", .wait = 1h, .rounds = 1}});
  EXPECT_LT(queue().depth(10).late, Duration(2h + 10min)) << "the recipient's own trouble";
  queue().settle(
      {{.submission = outage, .fate = Fate::returned, .outcome = "deferred", .wait = 1h, .rounds = 0}});
  auto depth = queue().depth(10);
  EXPECT_GE(depth.late, Duration(2h - 1min)) << "that of the dispatchers";
  EXPECT_GE(depth.oldest, Duration(4h - 1min));
  EXPECT_EQ(depth.unsent, 3u);
}

TEST_P(QueueDepth, ExaminesTheMostSevereFirstForWhatIsLate) {
  store().put({.phone = "held", .severity = 1});
  queue().settle({{.submission = claim().submissions.at(0), .fate = Fate::held, .outcome = "unknown"}});
  store().put({.phone = "1", .severity = 1, .age = 2h});
  store().sql(
      "INSERT INTO smsq (time, phone, msg) WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM "
      "many WHERE n < 10000) SELECT " +
      store().timeAgo(60s) + ", '2', 'text' FROM many");
  EXPECT_GE(queue().depth(10).late, Duration(2h - 1min));
}

}  // namespace smsd::queue
