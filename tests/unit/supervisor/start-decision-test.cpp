// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/start-decision.h"

#include <gtest/gtest.h>

namespace smsd::road {
namespace {

using Preferred = StartDecision::Preferred;

// Not zero, so that the time counts from the start.
const kj::TimePoint startOfSmsd = kj::origin<kj::TimePoint>() + 100 * kj::SECONDS;
kj::TimePoint at(int milliseconds) { return startOfSmsd + milliseconds * kj::MILLISECONDS; }

TEST(StartDecision, LetsTheMostSevereGoFirstWhileADispatcherIsUndecided) {
  struct Row {
    int time;  // ms after the start
    bool mayClaim;
    int nextStep;
    bool zero, one, two, five, none;  // whether this severity is kept back
  };
  for (auto& row : {
           Row{0, false, 2000, true, true, true, true, true},
           Row{1999, false, 2000, true, true, true, true, true},
           Row{2000, true, 4000, false, false, true, true, true},
           Row{3999, true, 4000, false, false, true, true, true},
           Row{4000, true, 6000, false, false, false, true, true},
           Row{10000, true, 12000, false, false, false, false, true},
           Row{1000000, true, 1002000, false, false, false, false, true},
       }) {
    StartDecision decision;
    decision.begin(startOfSmsd);
    decision.look(Preferred::undecided);
    const auto now = at(row.time);
    EXPECT_EQ(decision.mayClaim(now), row.mayClaim) << row.time;
    EXPECT_EQ(decision.nextStep(now), at(row.nextStep)) << row.time;
    EXPECT_EQ(decision.keepsBack(0, now), row.zero) << row.time;
    EXPECT_EQ(decision.keepsBack(1, now), row.one) << row.time;
    EXPECT_EQ(decision.keepsBack(2, now), row.two) << row.time;
    EXPECT_EQ(decision.keepsBack(5, now), row.five) << row.time;
    EXPECT_EQ(decision.keepsBack(INT_MAX, now), row.none) << row.time;
    decision.look(Preferred::decided);
    decision.look(Preferred::undecided);  // a reload has added one
    EXPECT_TRUE(decision.made()) << row.time;
    EXPECT_TRUE(decision.mayClaim(now)) << row.time;
    for (int rank : {0, 1, 2, 5, INT_MAX}) EXPECT_FALSE(decision.keepsBack(rank, now)) << row.time;
  }
}

TEST(StartDecision, BelongsToOneStart) {
  StartDecision decision;
  EXPECT_FALSE(decision.begun());
  EXPECT_FALSE(decision.mayClaim(at(5000)));
  EXPECT_ANY_THROW(decision.look(Preferred::decided));
  EXPECT_FALSE(decision.made());
  decision.begin(startOfSmsd);
  EXPECT_TRUE(decision.begun());
  EXPECT_ANY_THROW(decision.begin(startOfSmsd));
}

}  // namespace
}  // namespace smsd::road
