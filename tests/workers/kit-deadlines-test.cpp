// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/kit/deadlines.h"

#include <gtest/gtest.h>

#include <optional>

namespace smsd::kit {
namespace {

using namespace std::chrono_literals;
using Attempts = std::vector<std::uint64_t>;

kj::TimePoint at(std::chrono::milliseconds time) {
  return kj::origin<kj::TimePoint>() + time.count() * kj::MILLISECONDS;
}
std::optional<std::chrono::milliseconds> since(kj::Maybe<kj::TimePoint> timer) {
  KJ_IF_MAYBE (when, timer)
    return std::chrono::milliseconds((*when - kj::origin<kj::TimePoint>()) / kj::MILLISECONDS);
  return std::nullopt;
}
constexpr std::optional<std::chrono::milliseconds> none = std::nullopt;

TEST(Deadlines, SetsATimerOnlyForADeadlineBeforeAllOthers) {
  struct Row {
    std::uint64_t attempt;
    std::chrono::milliseconds begun, deadline;
    std::optional<std::chrono::milliseconds> timer;  // half a second after the deadline
  };
  Deadlines deadlines;
  for (auto [attempt, begun, deadline, timer] : {Row{1, 0ms, 10s, 10500ms},
                                                 {2, 1s, 10s, none},
                                                 {3, 1s, 9s, none},
                                                 {4, 2s, 5s, 7500ms},
                                                 {5, 3s, 4s, none},
                                                 {6, 3s, 3s, 6500ms}})
    EXPECT_EQ(since(deadlines.begin(attempt, 0, deadline, at(begun))), timer) << attempt;
  EXPECT_EQ(deadlines.size(), 6u);
}

TEST(Deadlines, FindsThoseThatPassedAndTheNextOfTheOthers) {
  struct Row {
    std::chrono::milliseconds rings, now;
    std::size_t overdue;
    std::optional<std::chrono::milliseconds> timer;
  };
  for (auto [rings, now, overdue, timer] : {Row{3500ms, 3500ms, 1, 5500ms},  // the shortest of all
                                            {3500ms, 6s, 2, 9500ms},         // late
                                            {3500ms, 1h, 3, none},
                                            {5500ms, 5500ms, 0, none},     // an earlier timer replaced it
                                            {9500ms, 9500ms, 0, none}}) {  // likewise
    Deadlines deadlines;
    deadlines.begin(1, 0, 9s, at(0ms));
    deadlines.begin(2, 0, 5s, at(0ms));
    deadlines.begin(3, 0, 3s, at(0ms));
    auto passed = deadlines.rang(at(rings), at(now));
    EXPECT_EQ(passed.overdue.size(), overdue) << rings.count() << ' ' << now.count();
    EXPECT_EQ(since(passed.timer), timer) << rings.count() << ' ' << now.count();
    EXPECT_EQ(deadlines.size(), 3u) << "they end only with their outcome";
  }
}

TEST(Deadlines, WatchesNoSmsThatHasItsOutcome) {
  Deadlines deadlines;
  deadlines.begin(1, 7, 3s, at(0ms));
  deadlines.begin(2, 8, 9s, at(0ms));
  EXPECT_EQ(deadlines.end(1).orDefault(0), 7u) << "its connection";
  EXPECT_TRUE(deadlines.end(1) == nullptr) << "only once";
  EXPECT_FALSE(deadlines.contains(1));
  EXPECT_EQ(deadlines.attempts(), Attempts{2});
  auto passed = deadlines.rang(at(3500ms), at(3500ms));
  EXPECT_EQ(passed.overdue, Attempts{});
  EXPECT_EQ(since(passed.timer), 9500ms);
  EXPECT_EQ(deadlines.end(2).orDefault(0), 8u);
  passed = deadlines.rang(at(9500ms), at(9500ms));
  EXPECT_EQ(since(passed.timer), none) << "no timer runs while no SMS is under way";
  EXPECT_EQ(since(deadlines.begin(3, 8, 1s, at(20s))), 21500ms);
}

TEST(Deadlines, BoundsTheEndByTheLongestDeadlineOfAllSms) {
  Deadlines deadlines;
  EXPECT_EQ(deadlines.longestEnd(), 500ms);
  for (auto deadline : {2s, 9s, 3s}) deadlines.handedOver(deadline);
  EXPECT_EQ(deadlines.longestEnd(), 9500ms);
}

TEST(Deadlines, AssertsThatNoTimerRingsBeforeItsTime) {
  Deadlines deadlines;
  deadlines.begin(1, 0, 3s, at(0ms));
  EXPECT_THROW(deadlines.rang(at(3500ms), at(3499ms)), kj::Exception);
}

}  // namespace
}  // namespace smsd::kit
