// The verdict table, cell by cell: every outcome in every situation that matters to it.
#include "supervisor/road/verdict.h"

#include <gtest/gtest.h>

namespace smsd {
namespace {

Verdict judged(OutcomeKind kind, Situation situation) { return verdict({kind, "why", {}}, situation); }

TEST(Verdict, AcceptedIsSentWhateverElseIsTrue) {
  for (bool others : {false, true})
    for (bool keys : {false, true})
      EXPECT_EQ(judged(OutcomeKind::accepted, {.othersLeft = others, .sameKnowsKeys = keys}), Verdict::sent);
}

TEST(Verdict, WhatWasNeverBegunGoesOutAgainAndCountsForNothing) {
  for (OutcomeKind kind : {OutcomeKind::deferred, OutcomeKind::unknown, OutcomeKind::broken})
    for (bool others : {false, true})
      EXPECT_EQ(judged(kind, {.begun = Begun::no, .othersLeft = others}), Verdict::sameDispatcher);
}

TEST(Verdict, WhatComesBackUntouchedAgainAndAgainGoesElsewhere) {
  int most = mostGivenBack;
  EXPECT_EQ(judged(OutcomeKind::deferred, {.begun = Begun::no, .givenBack = most, .othersLeft = true}), Verdict::sameDispatcher);
  EXPECT_EQ(judged(OutcomeKind::deferred, {.begun = Begun::no, .givenBack = most + 1, .othersLeft = true}), Verdict::otherDispatcher);
  EXPECT_EQ(judged(OutcomeKind::deferred, {.begun = Begun::no, .givenBack = most + 1}), Verdict::nextRound);
}

TEST(Verdict, ARefusalIsTriedElsewhereAndIsFinalOnlyWhenEveryoneRefused) {
  EXPECT_EQ(judged(OutcomeKind::refused, {.othersLeft = true}), Verdict::otherDispatcher);
  EXPECT_EQ(judged(OutcomeKind::refused, {.everyoneRefused = true}), Verdict::ignored);
  // One that rests now may take it later.
  EXPECT_EQ(judged(OutcomeKind::refused, {}), Verdict::nextRound);
}

TEST(Verdict, WhatWasNotSentGoesToTheNextOneAndElseWaits) {
  for (OutcomeKind kind : {OutcomeKind::deferred, OutcomeKind::broken}) {
    EXPECT_EQ(judged(kind, {.othersLeft = true}), Verdict::otherDispatcher);
    EXPECT_EQ(judged(kind, {}), Verdict::nextRound);
  }
}

// C12: NAV sends at once through the next dispatcher what the first one may have sent.
TEST(Verdict, AnUnknownGoesBackToAGatewayThatKnowsKeysBeforeAnyOther) {
  EXPECT_EQ(judged(OutcomeKind::unknown, {.othersLeft = true, .sameKnowsKeys = true}), Verdict::sameDispatcher);
  EXPECT_EQ(judged(OutcomeKind::unknown, {.othersLeft = true}), Verdict::otherDispatcher);
  EXPECT_EQ(judged(OutcomeKind::unknown, {}), Verdict::sameDispatcher);
}

TEST(Verdict, AnUnknownWaitsForAnOperatorWhereThePolicySaysSo) {
  for (bool others : {false, true})
    for (bool keys : {false, true})
      EXPECT_EQ(judged(OutcomeKind::unknown, {.othersLeft = others, .sameKnowsKeys = keys, .holds = true}), Verdict::held);
  // What is known not to have been sent is not held.
  EXPECT_EQ(judged(OutcomeKind::deferred, {.holds = true}), Verdict::nextRound);
  EXPECT_EQ(judged(OutcomeKind::unknown, {.begun = Begun::no, .holds = true}), Verdict::sameDispatcher);
}

TEST(Verdict, AnUnknownIsRepeatedOnlySoOftenInARound) {
  int last = repeatsPerRound + 1;
  EXPECT_EQ(judged(OutcomeKind::unknown, {.unknownsHere = last}), Verdict::nextRound);
  EXPECT_EQ(judged(OutcomeKind::unknown, {.sameKnowsKeys = true, .unknownsHere = last}), Verdict::nextRound);
  EXPECT_EQ(judged(OutcomeKind::unknown, {.othersLeft = true, .sameKnowsKeys = true, .unknownsHere = last}), Verdict::otherDispatcher);
}

}  // namespace
}  // namespace smsd
