// SPDX-License-Identifier: GPL-3.0-or-later
// Who may open another connection to control.sock.
#include "supervisor/control/seats.h"

#include <gtest/gtest.h>

namespace smsd::control {
namespace {

constexpr unsigned own = 990, alice = 1001, bob = 1002, carol = 1003;

unsigned takeAll(Seats& seats, std::optional<unsigned> uid) {
  unsigned count = 0;
  while (count < 100 && seats.take(uid)) ++count;
  return count;
}

TEST(Seats, OneUserLeavesRoomForOthersAllOfThemForSmsdAndItForRoot) {
  Seats seats(own);
  EXPECT_EQ(takeAll(seats, alice), 12U);
  EXPECT_EQ(takeAll(seats, bob), 12U);
  EXPECT_EQ(takeAll(seats, carol), 0U);
  EXPECT_EQ(takeAll(seats, own), 4U);
  EXPECT_EQ(takeAll(seats, 0), 4U);
  EXPECT_EQ(seats.total(), 32U);
}

TEST(Seats, AreFreeAgainWhenTheyWereLeft) {
  Seats seats(own);
  takeAll(seats, alice);
  seats.leave(alice);
  EXPECT_EQ(seats.of(alice), 11U);
  EXPECT_TRUE(seats.take(alice));
  EXPECT_FALSE(seats.take(alice));
  for (int i = 0; i < 12; ++i) seats.leave(alice);
  EXPECT_EQ(seats.total(), 0U);
  EXPECT_EQ(takeAll(seats, own), 28U);
}

TEST(Seats, AUserWhomTheKernelDoesNotNameIsOneOfTheOthers) {
  Seats seats(0);
  EXPECT_FALSE(seats.trusted(std::nullopt));
  EXPECT_EQ(takeAll(seats, std::nullopt), 12U);
  EXPECT_EQ(takeAll(seats, 0), 20U);
}

TEST(Seats, AUserWithItsShareReplacesItsOwnAndNobodyReplacesAnAdministrator) {
  Seats seats(own);
  takeAll(seats, alice);
  takeAll(seats, bob);
  const struct {
    unsigned uid, other;
    bool may;
  } rows[] = {{alice, alice, true}, {alice, bob, false}, {carol, alice, true}, {carol, own, false},
              {own, alice, true},   {own, own, true},    {0, own, true},       {alice, 0, false}};
  for (const auto& row : rows)
    EXPECT_EQ(seats.mayReplace(row.uid, row.other), row.may) << row.uid << " " << row.other;
  EXPECT_FALSE(seats.free(carol));
  seats.leave(bob);
  EXPECT_TRUE(seats.free(carol));
  EXPECT_FALSE(seats.free(alice));
}

TEST(Seats, AUserWithoutOneMayHaveOneInUseOfTheUserWhoHasTheMost) {
  Seats seats(own);
  const unsigned dora = 1004;
  takeAll(seats, alice);
  for (int i = 0; i < 11; ++i) seats.take(bob);
  seats.take(carol);
  EXPECT_FALSE(seats.free(dora));
  const struct {
    unsigned uid, other;
    bool may;
  } rows[] = {{dora, alice, true}, {dora, bob, false},  {dora, carol, false}, {dora, own, false},
              {dora, dora, false}, {bob, alice, false}, {carol, alice, false}};
  for (const auto& row : rows)
    EXPECT_EQ(seats.mayCrowdOut(row.uid, row.other), row.may) << row.uid << " " << row.other;
  seats.take(0);
  EXPECT_FALSE(seats.mayCrowdOut(dora, alice)) << "it would not be enough";
  seats.leave(0);
  seats.leave(alice);
  EXPECT_TRUE(seats.take(dora));
  EXPECT_TRUE(seats.mayCrowdOut(1005, bob)) << "both have 11 now";
}

TEST(Seats, NobodyLosesTheOnlyOne) {
  Seats seats(own);
  for (unsigned uid = 2000; uid < 2000 + Seats::forOthers; ++uid) EXPECT_TRUE(seats.take(uid));
  EXPECT_FALSE(seats.free(alice));
  EXPECT_FALSE(seats.mayCrowdOut(alice, 2000));
}

}  // namespace
}  // namespace smsd::control
