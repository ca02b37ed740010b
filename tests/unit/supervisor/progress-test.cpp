// SPDX-License-Identifier: GPL-3.0-or-later
// The supervisor's watch over itself.
#include "supervisor/road/progress.h"

#include <gtest/gtest.h>

namespace smsd::road {
namespace {

using namespace std::chrono_literals;
using Owed = Progress::Owed;
using State = Progress::State;

TEST(Progress, NothingOwedIsNeverStuck) {
  Progress progress(100s);
  for (auto now : {0s, 99s, 100s, 1000s, 100000s})
    EXPECT_EQ(progress.look(Owed::nothing, now), State::moving);
  EXPECT_EQ(progress.changesAt(0s), std::nullopt);
}

TEST(Progress, OwingForPatienceIsStuckAndTwiceThatIsLost) {
  Progress progress(100s);
  EXPECT_EQ(progress.look(Owed::something, 1000s), State::moving);
  EXPECT_EQ(progress.changesAt(1000s), 1100s);
  EXPECT_EQ(progress.look(Owed::something, 1100s - 1ms), State::moving);
  EXPECT_EQ(progress.look(Owed::something, 1100s), State::stuck);
  EXPECT_EQ(progress.changesAt(1100s), 1200s);
  EXPECT_EQ(progress.look(Owed::something, 1200s - 1ms), State::stuck);
  EXPECT_EQ(progress.look(Owed::something, 1200s), State::lost);
  EXPECT_EQ(progress.changesAt(1200s), std::nullopt);
}

TEST(Progress, AnythingThatMovesStartsTheWaitAnew) {
  Progress progress(100s);
  progress.look(Owed::something, 0s);
  for (auto now : {90s, 180s, 270s}) {
    progress.moved(now);
    EXPECT_EQ(progress.look(Owed::something, now + 99s), State::moving);
  }
  EXPECT_EQ(progress.look(Owed::something, 370s), State::stuck);
  progress.moved(371s);
  EXPECT_EQ(progress.look(Owed::something, 371s), State::moving) << "acting helped";
}

// What was idle for an hour and gets work is not an hour late.
TEST(Progress, IdlenessIsNotStandingStill) {
  Progress progress(100s);
  progress.look(Owed::something, 0s);
  progress.moved(1s);
  progress.look(Owed::nothing, 2s);
  EXPECT_EQ(progress.look(Owed::something, 3600s), State::moving);
  EXPECT_EQ(progress.look(Owed::something, 3699s), State::moving);
  EXPECT_EQ(progress.look(Owed::something, 3700s), State::stuck);
}

}  // namespace
}  // namespace smsd::road
