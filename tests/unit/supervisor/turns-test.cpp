// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/turns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace smsd::road {
namespace {

constexpr int severe = 1, mild = 5;

/// Whose turn it is while both always have something in hand: s or m.
std::string course(Turns turns, int handOvers) {
  std::string course;
  for (int i = 0; i < handOvers; ++i) {
    bool oldests = turns.oldests(severe);
    if (oldests) turns.over();
    turns.handed(oldests ? mild : severe);
    course += oldests ? 'm' : 's';
  }
  return course;
}

TEST(Turns, GivesOneInSoManyToTheOldest) {
  EXPECT_EQ(course(Turns(8), 24), "sssssssmsssssssmsssssssm");
  EXPECT_EQ(course(Turns(3), 9), "ssmssmssm");
  EXPECT_EQ(course(Turns(2), 6), "smsmsm");
  EXPECT_EQ(course(Turns(0), 24), std::string(24, 's'));
}

TEST(Turns, OfAnySevereSoManyAtMostASeventhIsMildBetweenThem) {
  for (int severes : {7, 100, 1000}) {
    auto all = course(Turns(8), severes * 8 / 7);
    auto milds = std::count(all.begin(), all.end(), 'm');
    EXPECT_LE(milds, severes / 7 + 1);
  }
}

TEST(Turns, LetsWhatIsMoreSevereThanTheLastGoFirst) {
  Turns turns(8);
  for (int i = 0; i < 7; ++i) turns.handed(mild);
  EXPECT_TRUE(turns.oldests(mild));
  EXPECT_FALSE(turns.oldests(severe));
  turns.handed(severe);
  EXPECT_TRUE(turns.oldests(severe)) << "its turn is after it";
}

TEST(Turns, ObeysAReload) {
  Turns turns(100);
  turns.use(2);
  turns.handed(severe);
  EXPECT_TRUE(turns.oldests(severe));
  turns.use(0);
  EXPECT_FALSE(turns.oldests(severe));
}

}  // namespace
}  // namespace smsd::road
