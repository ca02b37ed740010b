// SPDX-License-Identifier: GPL-3.0-or-later
// Storm control: each decision, and the record that follows an SMS.
#include "supervisor/pace/pace.h"

#include <gtest/gtest.h>

namespace smsd::pace {
namespace {

using namespace std::chrono_literals;

constexpr PaceRules rules{.window = 60s, .exempt = 1, .perHour = 20};
constexpr std::optional<int> none;

struct DecisionCase {
  const char* what;
  std::optional<Record> record;
  std::optional<int> severity;
  PaceRules rules;
  Decision expected;
};

const DecisionCase decisions[] = {
    {"the first", {}, 3, rules, {Departure::now, 0ms}},
    {"in the window", Record{59s, 1s, 1}, 3, rules, {Departure::afterWindow, 59s}},
    {"in its last millisecond", Record{1ms, 1min, 1}, 3, rules, {Departure::afterWindow, 1ms}},
    {"at its end", Record{0ms, 1min, 1}, 3, rules, {Departure::now, 0ms}},
    {"after it", Record{-1h, 61min, 1}, 3, rules, {Departure::now, 0ms}},
    {"exempt in the window", Record{59s, 1s, 1}, 1, rules, {Departure::now, 0ms}},
    {"more severe than exempt", Record{59s, 1s, 1}, 0, rules, {Departure::now, 0ms}},
    {"without a severity", Record{59s, 1s, 1}, none, rules, {Departure::afterWindow, 59s}},
    {"exempt up to 3", Record{59s, 1s, 1}, 3, {60s, 3, 20}, {Departure::now, 0ms}},
    {"milder than that", Record{59s, 1s, 1}, 4, {60s, 3, 20}, {Departure::afterWindow, 59s}},
    {"none is exempt", Record{59s, 1s, 1}, 1, {60s, 0, 20}, {Departure::afterWindow, 59s}},
    {"off", Record{59s, 1s, 20}, 3, {0s, 1, 20}, {Departure::now, 0ms}},
    {"the one before the last", Record{0s, 20min, 18}, 3, rules, {Departure::now, 0ms}},
    {"the last", Record{0s, 20min, 19}, 3, rules, {Departure::last, 40min}},
    {"the last, near the end of its hour", Record{0s, 59min + 30s, 19}, 3, rules, {Departure::last, 60s}},
    {"exempt, instead of the last", Record{0s, 20min, 19}, 1, rules, {Departure::now, 0ms}},
    {"after the last", Record{39min, 21min, 20}, 3, rules, {Departure::nextHour, 39min}},
    {"after the last, in a window that ends after the hour",
     Record{5min, 59min, 20},
     3,
     {10min, 1, 20},
     {Departure::nextHour, 5min}},
    {"exempt, after the last", Record{39min, 21min, 20}, 1, rules, {Departure::now, 0ms}},
    {"in the next hour", Record{0s, 1h, 20}, 3, rules, {Departure::now, 0ms}},
    {"of an hour that begins later", Record{0s, -5min, 19}, 3, rules, {Departure::now, 0ms}},
    {"one an hour", {}, 3, {60s, 1, 1}, {Departure::last, 1h}},
    {"no limit", Record{0s, 20min, 19}, 3, {60s, 1, 0}, {Departure::now, 0ms}},
    {"in the window, without a limit", Record{1s, 20min, 500}, 3, {60s, 1, 0}, {Departure::afterWindow, 1s}},
    {"a limit that became lower", Record{0s, 20min, 30}, 3, rules, {Departure::nextHour, 40min}},
};

TEST(Pace, DecidesByTheTableAlone) {
  for (const auto& one : decisions)
    EXPECT_EQ(decide(one.record, one.severity, one.rules), one.expected) << one.what;
}

struct NextCase {
  const char* what;
  std::optional<Record> record;
  PaceRules rules;
  Record expected;
};

const NextCase nexts[] = {
    {"the first", {}, rules, {60s, 0ms, 1}},
    {"the second", Record{0s, 1min, 1}, rules, {60s, 1min, 2}},
    {"the last", Record{0s, 20min, 19}, rules, {40min, 20min, 20}},
    {"the last, near the end of its hour", Record{0s, 59min + 30s, 19}, rules, {60s, 59min + 30s, 20}},
    {"one more than the limit", Record{0s, 20min, 20}, rules, {40min, 20min, 21}},
    {"the first of the next hour", Record{0s, 1h, 20}, rules, {60s, 0ms, 1}},
    {"after the clock was set back", Record{0s, -1ms, 19}, rules, {60s, 0ms, 1}},
    {"one an hour", {}, {60s, 1, 1}, {1h, 0ms, 1}},
    {"no limit, early in the hour", Record{0s, 20min, 500}, {60s, 1, 0}, {60s, 20min, 501}},
    {"no limit", Record{0s, 59min, 500}, {60s, 1, 0}, {60s, 59min, 501}},
};

TEST(Pace, RecordsAnSmsByTheTable) {
  for (const auto& one : nexts) {
    const Record next = after(one.record, one.rules);
    EXPECT_EQ(next.wait, one.expected.wait) << one.what;
    EXPECT_EQ(next.hourAge, one.expected.hourAge) << one.what;
    EXPECT_EQ(next.sent, one.expected.sent) << one.what;
  }
}

// Whatever happens, no hour has more SMS than its limit, and none is nearer to the one before than the
// window.
TEST(Pace, KeepsItsPromisesInALongStorm) {
  std::optional<Record> record;
  Duration now{0}, last{-1h};
  int inHour = 0, all = 0;
  Duration hour{-1h};
  for (int seconds = 0; seconds < 5 * 3600; ++seconds, now += 1s) {
    const auto decision = decide(record, 3, rules);
    if (!decision.waits()) {
      EXPECT_GE(now - last, rules.window);
      if (now - hour >= 1h) hour = now, inHour = 0;
      EXPECT_LE(++inHour, rules.perHour);
      EXPECT_EQ(decision.departure == Departure::last, inHour == rules.perHour);
      record = after(record, rules);
      last = now;
      ++all;
    }
    record->wait -= 1s;
    record->hourAge += 1s;
  }
  EXPECT_EQ(all, 100) << "an hour has fewer SMS than its limit";
}

}  // namespace
}  // namespace smsd::pace
