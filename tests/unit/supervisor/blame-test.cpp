// SPDX-License-Identifier: GPL-3.0-or-later
// Whose fault is it: which failures count against a recipient.
#include "supervisor/delivery/blame.h"

#include <gtest/gtest.h>

namespace smsd::delivery {
namespace {

const Outcome accepted{OutcomeKind::accepted, "17", {}, {}};
const Outcome refused{OutcomeKind::refused, "bad number", {}, {}};
const Outcome busy{OutcomeKind::deferred, "busy", {}, Reached::yes};
const Outcome away{OutcomeKind::deferred, "no connection", {}, Reached::no};
const Outcome broken{OutcomeKind::broken, "no SIM", {}, {}};
const Outcome unknown{OutcomeKind::unknown, "cut off", {}, {}};

TEST(Streak, ARefusalIsOfTheSmsAndADispatcherThatIsAwayOrBrokenSaysNothingOfAnybody) {
  Streak streak;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(streak.judge("kari", away), Blame::dispatcher);
    EXPECT_EQ(streak.judge("kari", broken), Blame::dispatcher);
    EXPECT_EQ(streak.judge("ola", refused), Blame::recipient);
  }
}

TEST(Streak, AnAnswerThatIsNotUnderstoodSpeaksAgainstNoRecipient) {
  Streak streak;
  const Outcome unread{.kind = OutcomeKind::unknown, .words = "no rule", .reply = Reply::notUnderstood};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(streak.judge("kari", unread), Blame::dispatcher);
  EXPECT_EQ(streak.judge("ola", busy), Blame::recipient) << "and it says nothing of the others";
}

TEST(Streak, WhileOnlyOneFailsItIsTheOne) {
  for (const Outcome* outcome : {&busy, &unknown}) {
    Streak streak;
    for (int i = 0; i < 5; ++i)
      EXPECT_EQ(streak.judge("kari", *outcome), Blame::recipient) << name(outcome->kind);
  }
}

// C19, C20: nobody is dropped by a counter of somebody else, nor by an outage.
TEST(Streak, WhenSeveralFailInARowItIsTheDispatcherUntilItTakesOneAgain) {
  for (const Outcome* outcome : {&busy, &unknown})
    for (const Outcome* works : {&accepted, &refused}) {
      Streak streak;
      streak.judge("kari", *outcome);
      EXPECT_EQ(streak.judge("ola", *outcome), Blame::dispatcher);
      EXPECT_EQ(streak.judge("kari", *outcome), Blame::dispatcher);
      streak.judge("per", *works);
      EXPECT_EQ(streak.judge("kari", *outcome), Blame::recipient);
      EXPECT_EQ(streak.judge("kari", *outcome), Blame::recipient);
      streak.judge("per", *works);
      EXPECT_EQ(streak.judge("ola", *outcome), Blame::recipient);
    }
}

TEST(Streak, WhoWasOnlyNotReachedIsNotAmongThem) {
  Streak streak;
  streak.judge("ola", away);
  streak.judge("per", broken);
  EXPECT_EQ(streak.judge("kari", busy), Blame::recipient);
}

}  // namespace
}  // namespace smsd::delivery
