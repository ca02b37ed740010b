// SPDX-License-Identifier: GPL-3.0-or-later
// The database's clock may be stepped: what an age, a lease and a row are then.
#include <gtest/gtest.h>

#include "supervisor/queue/clock-watch.h"
#include "supervisor/queue/leases.h"
#include "supervisor/queue/sqlite/stamp.h"
#include "supervisor/queue/stamps.h"

namespace smsd::queue {
namespace {

using namespace std::chrono_literals;
using sqlite::stampOf;

constexpr Duration start = 1'000'000h;

// --- steps

TEST(ClockWatch, KnowsNoStepWhereBothClocksGoOn) {
  ClockWatch watch;
  watch.see(start, 5h);
  watch.see(start + 30min + 1s, 5h + 30min);  // a reading that took a second
  watch.see(start + 20h, 25h);
  EXPECT_EQ(watch.takeStep(), std::nullopt);
  EXPECT_EQ(watch.stretched(1h), 1h);
  EXPECT_EQ(watch.aheadSince(start), 0h);
}

TEST(ClockWatch, AStepAheadMakesNothingOlderThatWasWrittenBeforeIt) {
  ClockWatch watch;
  watch.see(start, 0h);
  watch.see(start + 2h + 1min, 1min);
  EXPECT_EQ(watch.takeStep(), 2h);
  EXPECT_EQ(watch.takeStep(), std::nullopt) << "said once";
  EXPECT_EQ(watch.aheadSince(start), 2h);
  EXPECT_EQ(watch.aheadSince(start + 2h + 1min), 0h) << "written since";
  EXPECT_EQ(watch.stretched(1h), 3h) << "a message from before is two hours younger than it looks";
  watch.see(start + 3h, 1h);
  EXPECT_EQ(watch.stretched(1h), 3h);
  watch.see(start + 3h + 2min, 1h + 2min);
  EXPECT_EQ(watch.stretched(1h), 1h) << "what was written before the step is older than that by now";
}

TEST(ClockWatch, AStepBackMakesNothingOlderAndIsSaid) {
  ClockWatch watch;
  watch.see(start, 0h);
  watch.see(start - 2h, 0h);
  EXPECT_EQ(watch.takeStep(), -2h);
  EXPECT_EQ(watch.stretched(1h), 1h);
  EXPECT_EQ(watch.aheadSince(start), 0h);
}

TEST(ClockWatch, StepsAddUpWhereAnAgeReachesBehindSeveralOfThem) {
  ClockWatch watch;
  watch.see(start, 0h);
  watch.see(start + 2h, 0h);
  watch.see(start + 5h, 0h);
  EXPECT_EQ(watch.takeStep(), 5h);
  EXPECT_EQ(watch.stretched(1h), 6h);
  EXPECT_EQ(watch.aheadSince(start), 5h);
  EXPECT_EQ(watch.aheadSince(start + 2h), 3h);
}

TEST(ClockWatch, TwoStepsThatCancelOutAreNoStep) {
  ClockWatch watch;
  watch.see(start, 0h);
  watch.see(start + 2h, 0h);
  watch.see(start + 1s, 0h);  // back again, read a second later
  EXPECT_EQ(watch.takeStep(), std::nullopt);
  EXPECT_EQ(watch.stretched(1h), 3h) << "a message of the two hours between still looks older than it is";
}

// --- leases

Leases::Lease lease(std::int64_t until, Duration left, Duration length = 30s) {
  return {.id = 7, .until = until, .left = left, .length = length};
}
using Out = std::vector<SupervisorId>;

TEST(Leases, OneThatRanOutBeforeItWasEverSeenHasRunOut) {
  Leases leases;
  EXPECT_EQ(leases.ranOut({lease(1, -1ms), {8, 1, 1ms, 30s}}, Leases::Clock::time_point(0s)), Out{7});
}

TEST(Leases, OneThatIsRenewedNeverRunsOutWhateverTheDatabasesClockSays) {
  for (Duration step : {Duration(0h), Duration(2h), Duration(-2h)}) {
    Leases leases;
    Leases::Clock::time_point now(100s);
    EXPECT_TRUE(leases.ranOut({lease(0, 30s)}, now).empty());
    for (int renewals = 1; renewals < 10; ++renewals) {
      now += 15s;
      EXPECT_TRUE(leases.ranOut({lease(renewals, 20s - step)}, now).empty()) << step.count();
    }
  }
}

TEST(Leases, OneThatIsNotRenewedRunsOutInItsTimeWhateverTheDatabasesClockSays) {
  for (Duration step : {Duration(0h), Duration(2h), Duration(-2h)}) {
    Leases leases;
    const Leases::Clock::time_point begin(100s);
    EXPECT_TRUE(leases.ranOut({lease(1, 20s)}, begin).empty());
    EXPECT_TRUE(leases.ranOut({lease(1, 5s - step)}, begin + 15s).empty()) << step.count();
    EXPECT_EQ(leases.ranOut({lease(1, -10s - step)}, begin + 30s), Out{7}) << step.count();
  }
}

// The dead supervisor's lease ends two hours ahead for a supervisor that starts now.
TEST(Leases, OneThatIsFirstSeenAfterAStepBackRunsOutWithinItsLength) {
  Leases leases;
  const Leases::Clock::time_point begin(100s);
  EXPECT_TRUE(leases.ranOut({lease(1, 2h)}, begin).empty());
  EXPECT_TRUE(leases.ranOut({lease(1, 2h - 29s)}, begin + 29s).empty());
  EXPECT_EQ(leases.ranOut({lease(1, 2h - 30s)}, begin + 30s), Out{7});
}

TEST(Leases, OneThatWasRenewedJustBeforeAStepAheadIsGivenTheTimeThatItStillHas) {
  Leases leases;
  const Leases::Clock::time_point begin(100s);
  EXPECT_TRUE(leases.ranOut({lease(1, 30s)}, begin).empty());
  EXPECT_TRUE(leases.ranOut({lease(2, 25s - 2h)}, begin + 15s).empty()) << "renewed within the last 15 s";
  EXPECT_TRUE(leases.ranOut({lease(2, 11s - 2h)}, begin + 29s).empty());
  EXPECT_EQ(leases.ranOut({lease(2, 10s - 2h)}, begin + 30s), Out{7});
}

TEST(Leases, ASupervisorThatIsClearedIsForgotten) {
  Leases leases;
  const Leases::Clock::time_point begin(100s);
  EXPECT_TRUE(leases.ranOut({lease(1, 30s)}, begin).empty());
  EXPECT_TRUE(leases.ranOut({}, begin + 1s).empty());
  EXPECT_EQ(leases.ranOut({lease(2, -1ms)}, begin + 2s), Out{7});
}

// --- stamps

TEST(Stamps, AreThoseOfAFileThatIsOpenedByALaterProgram) {
  EXPECT_EQ(stampOf("2026-01-31 23:59:59.123", "+4790000001", "router down"), -825232026414426516);
}

TEST(Stamps, DifferWhereAnyPartDoesAndWhereTheSameBytesAreSplitElsewhere) {
  const auto one = stampOf("a", "b", "c");
  EXPECT_EQ(one, stampOf("a", "b", "c"));
  for (auto other :
       {stampOf("x", "b", "c"), stampOf("a", "x", "c"), stampOf("a", "b", "x"), stampOf("ab", "", "c"),
        stampOf("", "ab", "c"), stampOf("a", "bc", ""), stampOf("", "", "")})
    EXPECT_NE(one, other);
}

TEST(Stamps, StandInTheOrderOfTheSms) {
  const std::vector<format::Message> messages = {{5, "a", 1}, {3, "b", 1}, {9, "c", 2}, {1, "d", 2}};
  format::FormattedSms sms;
  sms.sent = {5, 9};
  sms.ignored = {3};
  sms.carried = {1};
  EXPECT_EQ(stampsOf(sms, messages, {50, 30, 90, 10}), (std::vector<std::int64_t>{50, 90, 30}));
  EXPECT_EQ(stampsOf({.text = "a", .sent = {5}, .ignored = {}, .carried = {}}, {{5, "a", 1}}, {50}),
            std::vector<std::int64_t>{50});
}

}  // namespace
}  // namespace smsd::queue
