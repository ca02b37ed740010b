// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/delivery/breaker.h"

#include <gtest/gtest.h>

namespace smsd::delivery {
namespace {

using namespace std::chrono_literals;
using State = Breaker::State;

void fail(Breaker& breaker, int times, Breaker::Time now, OutcomeKind kind = OutcomeKind::deferred) {
  for (int i = 0; i < times; ++i) breaker.record(kind, now);
}

TEST(Breaker, StaysClosedForFewerThanThreeFailuresInARow) {
  Breaker breaker;
  fail(breaker, 2, 0s);
  EXPECT_EQ(breaker.state(0s), State::closed);
  breaker.record(OutcomeKind::accepted, 0s);
  fail(breaker, 2, 0s);
  EXPECT_EQ(breaker.state(0s), State::closed);
}

void answer(Breaker& breaker, int times, Breaker::Time now) {
  for (int i = 0; i < times; ++i) breaker.recordNotUnderstood(now);
}

TEST(Breaker, AnAnswerThatIsNotUnderstoodIsNoSilence) {
  Breaker breaker;
  fail(breaker, 2, 0s);
  answer(breaker, 1, 0s);
  fail(breaker, 2, 0s);
  EXPECT_EQ(breaker.state(0s), State::closed);
  fail(breaker, 1, 0s);
  answer(breaker, 1, 5s);  // the probe
  EXPECT_EQ(breaker.state(5s), State::closed);
  fail(breaker, 3, 5s);
  EXPECT_EQ(breaker.probeAt(), 10s) << "what was is forgotten";
}

TEST(Breaker, OpensWhereNoAnswerOfManyIsUnderstoodAndLetsOneAfterTheOtherThrough) {
  Breaker breaker;
  answer(breaker, 5, 0s);
  EXPECT_FALSE(breaker.understandsNothing());
  EXPECT_EQ(breaker.state(0s), State::closed);
  answer(breaker, 1, 0s);
  EXPECT_TRUE(breaker.understandsNothing());
  EXPECT_EQ(breaker.probeAt(), 5s);
  answer(breaker, 20, 1s);  // were out already
  EXPECT_EQ(breaker.probeAt(), 5s);
  answer(breaker, 1, 5s);
  EXPECT_EQ(breaker.probeAt(), 15s);
  for (OutcomeKind understood : {OutcomeKind::accepted, OutcomeKind::refused}) {
    Breaker other = breaker;
    other.record(understood, 15s);
    EXPECT_FALSE(other.understandsNothing());
    EXPECT_EQ(other.state(15s), State::closed);
  }
}

TEST(Breaker, OpensAtTheThirdFailureAndLetsOneProbeThroughLater) {
  Breaker breaker;
  fail(breaker, 3, 10s);
  EXPECT_EQ(breaker.state(10s), State::open);
  EXPECT_EQ(breaker.probeAt(), 15s);
  EXPECT_EQ(breaker.state(14999ms), State::open);
  EXPECT_EQ(breaker.state(15s), State::halfOpen);
}

TEST(Breaker, AProbeThatFailsOpensForTwiceAsLongUpToABound) {
  Breaker breaker;
  Breaker::Time now = 0s;
  fail(breaker, 3, now);
  std::vector<std::chrono::milliseconds> rests;
  for (int i = 0; i < 10; ++i) {
    rests.push_back(breaker.probeAt() - now);
    now = breaker.probeAt();
    fail(breaker, 1, now);
  }
  EXPECT_EQ(rests[0], 5s);
  EXPECT_EQ(rests[1], 10s);
  EXPECT_EQ(rests[2], 20s);
  EXPECT_EQ(rests.back(), 5min);
}

TEST(Breaker, AProbeThatIsAnsweredClosesItAndForgetsTheHistory) {
  for (OutcomeKind answer : {OutcomeKind::accepted, OutcomeKind::refused}) {
    Breaker breaker;
    fail(breaker, 3, 0s);
    breaker.record(answer, 5s);
    EXPECT_EQ(breaker.state(5s), State::closed);
    fail(breaker, 3, 5s);
    EXPECT_EQ(breaker.probeAt(), 10s);
  }
}

TEST(Breaker, LateFailuresOfWhatWasOutAlreadyDoNotProlongTheRest) {
  Breaker breaker;
  fail(breaker, 64, 0s);
  EXPECT_EQ(breaker.probeAt(), 5s);
  fail(breaker, 10, 1s, OutcomeKind::unknown);
  EXPECT_EQ(breaker.probeAt(), 5s);
}

TEST(Breaker, RestsAsLongAsTheFarEndAsksButTenMinutesAtTheMost) {
  for (auto [asked, rest] : {std::pair<Breaker::Time, Breaker::Time>(2s, 5s), {30s, 30s}, {1h, 10min}}) {
    Breaker breaker;
    for (int i = 0; i < 3; ++i) breaker.record(OutcomeKind::deferred, 10s, 0s, asked);
    EXPECT_EQ(breaker.probeAt(), 10s + rest);
    breaker.record(OutcomeKind::deferred, 11s, 0s, asked);  // was out already
    EXPECT_EQ(breaker.probeAt(), std::max<Breaker::Time>(15s, 11s + (rest == 5s ? 2s : rest)));
    breaker.record(OutcomeKind::deferred, breaker.probeAt(), 0s, 1s);
    EXPECT_EQ(breaker.state(breaker.probeAt() - 1ms), State::open);
  }
  Breaker one;
  one.record(OutcomeKind::deferred, 0s, 0s, 30s);
  EXPECT_EQ(one.state(0s), State::closed) << "it may be about that recipient";
}

TEST(Breaker, OneBrokenIsEnoughAndIsProbedSlowly) {
  Breaker breaker;
  breaker.record(OutcomeKind::broken, 0s);
  EXPECT_EQ(breaker.state(59s), State::open);
  EXPECT_EQ(breaker.state(60s), State::halfOpen);
}

// C14: a way out that leaves SMS without an answer costs its timeout once, not three times.
TEST(Breaker, OneFailureIsEnoughWhereItTookLongAndNobodyElseWasAnsweredMeanwhile) {
  for (OutcomeKind kind : {OutcomeKind::unknown, OutcomeKind::deferred}) {
    Breaker breaker(1s);
    breaker.record(kind, 10s, 10s);
    EXPECT_EQ(breaker.state(10s), State::open);
    EXPECT_EQ(breaker.probeAt(), 15s);
  }
}

TEST(Breaker, OneFailureIsNotEnoughWhereOthersWereAnsweredOrItWasQuick) {
  Breaker others(1s);
  others.record(OutcomeKind::accepted, 3s);
  others.record(OutcomeKind::unknown, 10s, 10s);
  EXPECT_EQ(others.state(10s), State::closed);
  others.record(OutcomeKind::unknown, 13s, 9999ms);  // this one was begun after the last answer
  EXPECT_EQ(others.state(13s), State::open);
  Breaker quick(1s);
  quick.record(OutcomeKind::unknown, 10s, 999ms);
  EXPECT_EQ(quick.state(10s), State::closed);
}

TEST(Breaker, IsClosedOrProbedAtOnceWhereSomebodyWhoShouldKnowSaysSo) {
  Breaker breaker;
  fail(breaker, 3, 0s);
  fail(breaker, 1, 5s);
  EXPECT_EQ(breaker.probeAt(), 15s);
  breaker.probeNow(6s);
  EXPECT_EQ(breaker.state(6s), State::halfOpen);
  breaker.close();
  EXPECT_EQ(breaker.state(6s), State::closed);
  fail(breaker, 3, 7s);
  EXPECT_EQ(breaker.probeAt(), 12s) << "what was is forgotten";
}

/// Of so many recipients, each with one failure of this severity.
void failOf(Breaker& breaker, std::initializer_list<std::pair<const char*, int>> whose, Breaker::Time now,
            Breaker::Time waited = 0s, Breaker::Whose::Kind probe = Breaker::Whose::Kind::usual) {
  for (auto [recipient, rank] : whose)
    breaker.record(OutcomeKind::unknown, now, waited, 0s,
                   {.recipient = recipient, .rank = rank, .kind = probe});
}

TEST(Breaker, CountsTheFailuresOfOneRecipientOnce) {
  Breaker breaker;
  for (int i = 0; i < 10; ++i) failOf(breaker, {{"kari", 5}}, 0s);
  failOf(breaker, {{"ola", 5}}, 0s);
  EXPECT_EQ(breaker.state(0s), State::closed);
  failOf(breaker, {{"anne", 5}}, 0s);
  EXPECT_EQ(breaker.state(0s), State::open);
  Breaker unreached;
  for (int i = 0; i < 3; ++i)
    unreached.record(OutcomeKind::deferred, 0s, 0s, 0s, {.recipient = "kari", .reached = Reached::no});
  EXPECT_EQ(unreached.state(0s), State::open) << "that says nothing of a recipient";
}

TEST(Breaker, IsOpenForWhatIsNoMoreSevereThanTheSecondOfThoseThatFailed) {
  using Failed = std::initializer_list<std::pair<const char*, int>>;
  struct Row {
    Failed failed;
    std::optional<int> from;  // none: it is open for nobody
  };
  for (auto& row : {
           Row{{{"kari", 5}}, std::nullopt},
           Row{{{"kari", 5}, {"ola", 5}, {"anne", 5}}, 5},
           Row{{{"kari", 5}, {"ola", 3}, {"anne", 5}}, 5},
           Row{{{"kari", 5}, {"ola", 3}, {"anne", 2}}, 3},
           Row{{{"kari", 5}, {"ola", 1}, {"anne", 5}, {"per", 1}}, 1},
           Row{{{"kari", INT_MAX}, {"ola", INT_MAX}}, INT_MAX},
       }) {
    Breaker breaker;
    failOf(breaker, row.failed, 10s, 2s);  // one that took so long is enough
    ASSERT_EQ(breaker.state(10s), State::open);
    EXPECT_EQ(breaker.openFrom(), row.from);
    for (int rank : {1, 2, 3, 5, INT_MAX})
      EXPECT_EQ(breaker.opensFor(rank, 10s), !row.from || rank < *row.from) << rank;
    EXPECT_EQ(breaker.opensFor(1, 15s), breaker.opensFor(1, 10s))
        << "whatever else is out when it is half open";
  }
}

TEST(Breaker, IsOpenForAllWhereTheFailureIsNobodysOwn) {
  auto mild = [] {
    Breaker breaker;
    failOf(breaker, {{"kari", 5}, {"ola", 5}, {"anne", 5}}, 10s);
    return breaker;
  };
  Breaker broken = mild();
  broken.record(OutcomeKind::broken, 10s);
  EXPECT_FALSE(broken.opensFor(1, 69s));
  Breaker unreached = mild();
  unreached.record(OutcomeKind::deferred, 10s, 0s, 0s, {.recipient = "per", .reached = Reached::no});
  EXPECT_FALSE(unreached.opensFor(1, 14s));
}

TEST(Breaker, IsOpenForTheMoreSevereWhateverPauseTheGatewayAskedFor) {
  Breaker breaker;
  for (const char* recipient : {"kari", "ola", "anne"})
    breaker.record(OutcomeKind::deferred, 10s, 0s, 2min, {.recipient = recipient, .rank = 5});
  EXPECT_EQ(breaker.probeAt(), 130s);
  EXPECT_FALSE(breaker.opensFor(5, 129s));
  EXPECT_TRUE(breaker.opensFor(1, 10s)) << "it may have meant those recipients only";
  const auto probe = Breaker::Whose::Kind::probe;
  breaker.record(OutcomeKind::deferred, 10s, 0s, 2min, {.recipient = "per", .rank = 1, .kind = probe});
  breaker.record(OutcomeKind::deferred, 11s, 0s, 2min, {.recipient = "nils", .rank = 1, .kind = probe});
  EXPECT_FALSE(breaker.opensFor(1, 12s)) << "two of a severity are enough to know that it meant all";
  EXPECT_TRUE(breaker.opensFor(0, 12s));
}

TEST(Breaker, TriesNothingAgainAndAgainForItsSeverity) {
  Breaker breaker;
  const auto probe = Breaker::Whose::Kind::probe;
  failOf(breaker, {{"kari", 5}}, 10s, 2s);
  EXPECT_TRUE(breaker.opensFor(5, 10s)) << "a second one, which may be somebody else's";
  failOf(breaker, {{"kari", 5}}, 11s, 0s, probe);
  EXPECT_FALSE(breaker.opensFor(5, 11s));
  EXPECT_TRUE(breaker.opensFor(1, 11s));
  failOf(breaker, {{"per", 1}}, 11s, 0s, probe);
  EXPECT_TRUE(breaker.opensFor(1, 11s));
  failOf(breaker, {{"per", 1}}, 12s, 0s, probe);
  EXPECT_FALSE(breaker.opensFor(1, 12s));
  EXPECT_EQ(breaker.probeAt(), 15s) << "that is the others' as before";
  breaker.record(OutcomeKind::accepted, 13s);
  EXPECT_EQ(breaker.state(13s), State::closed);
}

}  // namespace
}  // namespace smsd::delivery
