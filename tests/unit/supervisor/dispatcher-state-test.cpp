// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/dispatcher-state.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace smsd::keeper {
namespace {

using Standing = Life::Standing;
using Breaker = delivery::Breaker::State;

constexpr Standing absent = Standing::absent, coming = Standing::coming, working = Standing::working,
                   leaving = Standing::leaving;
constexpr Breaker closed = Breaker::closed, open = Breaker::open, halfOpen = Breaker::halfOpen;
constexpr Sick well = Sick::no, byOutcome = Sick::byOutcome, byHealth = Sick::byHealth;

struct Row {
  Standing standing;
  Breaker breaker;
  Sick sick;
  State state;
  Trouble trouble;
};

const std::vector<Row> table = {
    {absent, closed, well, State::resting, Trouble::worker},
    {absent, closed, byOutcome, State::resting, Trouble::worker},
    {absent, closed, byHealth, State::resting, Trouble::worker},
    {absent, open, well, State::resting, Trouble::worker},
    {absent, open, byOutcome, State::resting, Trouble::worker},
    {absent, open, byHealth, State::resting, Trouble::worker},
    {absent, halfOpen, well, State::resting, Trouble::worker},
    {absent, halfOpen, byOutcome, State::resting, Trouble::worker},
    {absent, halfOpen, byHealth, State::resting, Trouble::worker},

    {coming, closed, well, State::starting, Trouble::worker},
    {coming, closed, byOutcome, State::starting, Trouble::worker},
    {coming, closed, byHealth, State::starting, Trouble::worker},
    {coming, open, well, State::starting, Trouble::worker},
    {coming, open, byOutcome, State::starting, Trouble::worker},
    {coming, open, byHealth, State::starting, Trouble::worker},
    {coming, halfOpen, well, State::starting, Trouble::worker},
    {coming, halfOpen, byOutcome, State::starting, Trouble::worker},
    {coming, halfOpen, byHealth, State::starting, Trouble::worker},

    {working, closed, well, State::ready, Trouble::none},
    {working, closed, byOutcome, State::ready, Trouble::none},  // an answer has closed it
    {working, closed, byHealth, State::broken, Trouble::sickness},
    {working, open, well, State::resting, Trouble::gateway},
    {working, open, byOutcome, State::broken, Trouble::sickness},
    {working, open, byHealth, State::broken, Trouble::sickness},
    {working, halfOpen, well, State::resting, Trouble::gateway},
    {working, halfOpen, byOutcome, State::broken, Trouble::sickness},
    {working, halfOpen, byHealth, State::broken, Trouble::sickness},
};

std::string where(const Row& row, Standing standing) {
  return std::to_string(int(standing)) + ", " + std::to_string(int(row.breaker)) + ", " +
         std::to_string(int(row.sick));
}

TEST(DispatcherSituation, IsOneStateForEachOfItsFourParts) {
  ASSERT_EQ(table.size(), 27u) << "each combination once; leaving is as working";
  for (const Row& row : table)
    for (Standing standing : {row.standing, row.standing == working ? leaving : row.standing}) {
      const DispatcherSituation situation{standing, row.breaker, row.sick, Paused::no};
      EXPECT_EQ(situation.state(), row.state) << where(row, standing);
      EXPECT_EQ(situation.trouble(), row.trouble) << where(row, standing);
      const DispatcherSituation paused{standing, row.breaker, row.sick, Paused::byOperator};
      EXPECT_EQ(paused.state(), State::paused) << where(row, standing);
      EXPECT_EQ(paused.trouble(), row.trouble) << where(row, standing);
    }
}

TEST(DispatcherSituation, TakesSmsOnlyWithAWorkerThatWorks) {
  for (const Row& row : table)
    for (Standing standing : {row.standing, row.standing == working ? leaving : row.standing})
      for (Paused paused : {Paused::no, Paused::byOperator})
        EXPECT_EQ((DispatcherSituation{standing, row.breaker, row.sick, paused}.takesSms()),
                  standing == working && row.sick != byHealth && paused == Paused::no)
            << where(row, standing);
}

}  // namespace
}  // namespace smsd::keeper
