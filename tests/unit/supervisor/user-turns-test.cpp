// SPDX-License-Identifier: GPL-3.0-or-later
// Whose question is next, and who has a place in the line.
#include "supervisor/control/user-turns.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace smsd::control {
namespace {

constexpr unsigned own = 990, alice = 1001, bob = 1002, carol = 1003;

class Line {
 public:
  UserTurns::Place enter(UserTurns::User user) {
    const auto place = turns.enter(user, ++last_);
    if (place == UserTurns::Place::taken) users_[last_] = user;
    return place;
  }
  /// The users in the order of their turns.
  std::vector<UserTurns::User> all() {
    std::vector<UserTurns::User> order;
    while (auto next = turns.next([](UserTurns::Ticket) { return true; })) order.push_back(users_[*next]);
    return order;
  }

  UserTurns turns{own};

 private:
  UserTurns::Ticket last_ = 0;
  std::map<UserTurns::Ticket, UserTurns::User> users_;
};

TEST(UserTurns, UsersTakeTurnsHoweverManyQuestionsOneHas) {
  Line line;
  for (int i = 0; i < 4; ++i) line.enter(alice);
  line.enter(bob);
  line.enter(carol);
  line.enter(bob);
  EXPECT_EQ(line.all(), (std::vector<UserTurns::User>{alice, bob, carol, alice, bob, alice, alice}));
}

TEST(UserTurns, AUserWhoComesLaterWaitsForOneQuestionOfEachOther) {
  Line line;
  for (int i = 0; i < 9; ++i) line.enter(alice);
  for (int i = 0; i < 3; ++i) line.turns.next([](UserTurns::Ticket) { return true; });
  EXPECT_EQ(line.turns.ahead(bob), 1U);
  EXPECT_EQ(line.turns.ahead(alice), 6U);
  line.enter(bob);
  EXPECT_EQ(line.turns.ahead(bob), 3U);
  EXPECT_EQ(line.all()[0], UserTurns::User(bob));
}

TEST(UserTurns, AUserHasSomePlacesTheOthersHaveSomeTogetherAndRootHasItsOwn) {
  Line line;
  for (std::size_t i = 0; i < UserTurns::forOne; ++i) EXPECT_EQ(line.enter(alice), UserTurns::Place::taken);
  EXPECT_EQ(line.enter(alice), UserTurns::Place::userHasItsShare);
  for (unsigned user = 2000; user < 2000 + UserTurns::forOthers - UserTurns::forOne; ++user)
    EXPECT_EQ(line.enter(user), UserTurns::Place::taken);
  EXPECT_EQ(line.enter(bob), UserTurns::Place::allAreTaken);
  EXPECT_EQ(line.enter(std::nullopt), UserTurns::Place::allAreTaken);
  for (unsigned user : {0U, own})
    for (std::size_t i = 0; i < UserTurns::forOne; ++i) EXPECT_EQ(line.enter(user), UserTurns::Place::taken);
  EXPECT_EQ(line.enter(0), UserTurns::Place::userHasItsShare);
  line.all();
  EXPECT_EQ(line.enter(bob), UserTurns::Place::taken);
}

TEST(UserTurns, AQuestionThatMayNotBeginYetHoldsUpOnlyItsUser) {
  UserTurns turns(own);
  turns.enter(alice, 1);
  turns.enter(alice, 2);
  turns.enter(bob, 3);
  const auto next = [&turns]() { return turns.next([](UserTurns::Ticket ticket) { return ticket != 1; }); };
  EXPECT_EQ(next(), UserTurns::Ticket(3));
  EXPECT_EQ(next(), std::nullopt);
  EXPECT_TRUE(turns.leave(1));
  EXPECT_FALSE(turns.leave(1));
  EXPECT_EQ(next(), UserTurns::Ticket(2));
  EXPECT_EQ(next(), std::nullopt);
}

}  // namespace
}  // namespace smsd::control
