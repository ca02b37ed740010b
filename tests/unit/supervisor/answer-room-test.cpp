// SPDX-License-Identifier: GPL-3.0-or-later
// The memory for answers that were not read yet.
#include "supervisor/control/answer-room.h"

#include <gtest/gtest.h>

#include <vector>

namespace smsd::control {
namespace {

constexpr unsigned own = 990, alice = 1001, bob = 1002;
constexpr std::size_t largest = AnswerRoom::largest;

struct Scene {
  std::shared_ptr<AnswerRoom> room = std::make_shared<AnswerRoom>(own);

  std::shared_ptr<ConnectionAnswers> connection(AnswerRoom::User user) {
    return std::make_shared<ConnectionAnswers>(room, user);
  }
};

TEST(AnswerRoom, IsReservedForTheMostAndHeldForTheAnswerUntilThatHasGone) {
  Scene scene;
  auto connection = scene.connection(alice);
  {
    Reservation one(connection, largest);
    EXPECT_EQ(scene.room->of(alice), 0U) << "it only waits for its turn";
    one.make();
    one.make();
    EXPECT_EQ(scene.room->of(alice), largest);
    one.answered(1000);
  }
  EXPECT_EQ(scene.room->of(alice), 1000U);
  connection->gone();
  EXPECT_EQ(scene.room->of(alice), 0U);
}

TEST(AnswerRoom, IsFreeAgainWithoutAnAnswerAndWithoutAConnection) {
  Scene scene;
  auto connection = scene.connection(alice);
  {
    Reservation failed(connection, largest);
    failed.make();
  }
  EXPECT_EQ(scene.room->of(alice), 0U);
  {
    Reservation unread(connection, largest);
    unread.make();
    unread.answered(3 * largest);
  }
  EXPECT_EQ(scene.room->of(alice), largest) << "no more than was reserved";
  connection.reset();
  EXPECT_EQ(scene.room->of(alice), 0U);
}

TEST(AnswerRoom, IsCountedForAUserOverAllItsConnections) {
  Scene scene;
  std::vector<std::shared_ptr<Reservation>> held;
  const auto take = [&](AnswerRoom::User user) {
    auto one = std::make_shared<Reservation>(scene.connection(user), largest);
    if (!one->mayBeMade()) return false;
    one->make();
    held.push_back(one);
    return true;
  };
  unsigned count = 0;
  while (count < 100 && take(alice)) ++count;
  EXPECT_EQ(count * largest, AnswerRoom::forOne);
  EXPECT_TRUE(take(bob));
  for (unsigned user = 2000; user < 2100; ++user) take(user);
  std::size_t others = 0;
  for (unsigned user : {alice, bob}) others += scene.room->of(user);
  for (unsigned user = 2000; user < 2100; ++user) others += scene.room->of(user);
  EXPECT_EQ(others, AnswerRoom::forOthers);
  EXPECT_FALSE(take(bob));
  EXPECT_TRUE(take(0)) << "root has a room of its own";
  EXPECT_TRUE(take(own));
}

}  // namespace
}  // namespace smsd::control
