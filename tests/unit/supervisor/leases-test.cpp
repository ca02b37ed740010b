// SPDX-License-Identifier: GPL-3.0-or-later
// A lease runs out in its time, whichever way the database's clock is stepped.
#include "supervisor/queue/leases.h"

#include <gtest/gtest.h>

namespace smsd::queue {
namespace {

using namespace std::chrono_literals;

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

}  // namespace
}  // namespace smsd::queue
