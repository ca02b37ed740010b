// SPDX-License-Identifier: GPL-3.0-or-later
// Giving up: by rounds and by time, and what of that is kept and said.
#include <gtest/gtest.h>

#include "tests/road/world.h"

namespace smsd::road {
namespace {

using queue::Fate;

/// Every 30 s a round; two of them would do.
config::Config patientConfig(std::optional<Milliseconds> giveUpAfter) {
  config::Config config = quietConfig();
  config.retry.delay = config.retry.maxDelay = 30s;
  config.retry.factor = 1;
  config.retry.limit = 2;
  config.retry.giveUpAfter = giveUpAfter;
  return config;
}

/// Rounds that end as this one does, until so much time is over.
void fail(World& world, Milliseconds time, const delivery::Outcome& outcome = deferred()) {
  world.answer("gateway", outcome);
  for (Milliseconds gone(0); gone < time; gone += 30s) {
    world.road->dispatchers()[0].restart("it does not rest");
    world.advance(30s);
    world.answer("gateway", outcome);
  }
}

// Greylisting for 300 s once cost an alert after 243 s.
TEST(GiveUp, TakesTheTimeAsWellAsTheRounds) {
  World world({{"gateway"}}, patientConfig(5min));
  auto id = world.alert("kari", "router down");
  world.start();
  fail(world, 5min - 30s);
  EXPECT_EQ(world.sent(id), 'N');
  fail(world, 30s);
  EXPECT_EQ(world.sent(id), 'I');
  EXPECT_EQ(world.story.count("no dispatcher accepted it in 11 rounds and 5m; last answer: busy"), 1u);
}

TEST(GiveUp, TakesTheRoundsAsWellAsTheTime) {
  config::Config config = patientConfig(1s);
  config.retry.limit = 4;
  World world({{"gateway"}}, config);
  auto id = world.alert("kari", "router down");
  world.start();
  fail(world, 60s);
  EXPECT_EQ(world.sent(id), 'N') << "three rounds";
  fail(world, 30s);
  EXPECT_EQ(world.sent(id), 'I');
}

TEST(GiveUp, HasFourHoursWhereNothingIsSaid) { EXPECT_EQ(config::Config().retry.giveUpAfter, 4h); }

TEST(GiveUp, NeverMeansNever) {
  World world({{"gateway"}}, patientConfig(std::nullopt));
  auto id = world.alert("kari", "router down");
  world.start();
  fail(world, 2h);
  EXPECT_EQ(world.sent(id), 'N');
  EXPECT_GT(world.story.count("; it is never given up (retry.give_up_after)"), 0u);
}

TEST(GiveUp, WithoutALimitOfRoundsTimeDoesNotDecideEither) {
  config::Config config = patientConfig(1min);
  config.retry.limit = 0;
  World world({{"gateway"}}, config);
  auto id = world.alert("kari", "router down");
  world.start();
  fail(world, 2h);
  EXPECT_EQ(world.sent(id), 'N');
  EXPECT_EQ(world.story.count("given up"), 0u);
}

TEST(GiveUp, AShutdownAtTheLimitLooksAtTheRoundsAlone) {
  config::Config config = patientConfig(4h);
  config.retry.atLimit = config::AtLimit::shutdown;
  World world({{"gateway"}}, config);
  world.alert("kari", "router down");
  world.start();
  auto end = world.road->limitReached();
  world.answer("gateway", deferred());
  EXPECT_FALSE(end.poll(world.io.waitScope));
  fail(world, 30s);
  EXPECT_TRUE(end.poll(world.io.waitScope));
  EXPECT_EQ(world.story.count("given up"), 0u);
}

TEST(GiveUp, StartsOverWithAMessageThatIsMoreSevere) {
  World world({{"gateway"}}, patientConfig(5min));
  auto info = world.alert("kari", "info", 5);
  world.start();
  fail(world, 4min);
  auto critical = world.alert("kari", "critical", 1);
  fail(world, 4min);
  EXPECT_EQ(world.sent(critical), 'N') << "it has failed for four minutes, whatever was before";
  fail(world, 90s);
  EXPECT_EQ(world.sent(critical), 'I');
  EXPECT_EQ(world.sent(info), 'I');
}

// A round in which the dispatcher served nobody is none of the recipient's.
TEST(GiveUp, CountsFromTheFirstFailureThatCounts) {
  World world({{"gateway"}}, patientConfig(5min));
  world.alert("kari", "router down");
  world.start();
  const delivery::Outcome away{
      delivery::OutcomeKind::deferred, "cannot be reached", {}, delivery::Reached::no};
  world.answer("gateway", away);
  EXPECT_EQ(world.memory.settled().back().rounds, 0);
  EXPECT_EQ(world.memory.settled().back().failing, std::nullopt);
  fail(world, 30s);
  EXPECT_GT(world.memory.settled().back().rounds, 0);
  EXPECT_LE(world.memory.settled().back().failing.value_or(9h), Milliseconds(30s));
}

TEST(GiveUp, IsDurableFromWaitToWait) {
  World world({{"gateway"}}, patientConfig(4h));
  world.alert("kari", "router down");
  world.start();
  world.answer("gateway", deferred());
  EXPECT_EQ(world.memory.settled().back().failing, Milliseconds(0));
  for (Milliseconds failing = 30s; failing < 3min; failing += 30s) {
    world.road->dispatchers()[0].restart("it does not rest");
    world.advance(30s);
    world.answer("gateway", deferred());
    EXPECT_EQ(world.memory.settled().back().failing, failing);
  }
}

// It is never settled while it waits, but each attempt is recorded.
TEST(GiveUp, IsDurableForWhatMayHaveBeenSent) {
  World world({{"gateway"}}, patientConfig(5min));
  auto id = world.alert("kari", "router down");
  world.start();
  fail(world, 3min, unknown());
  ASSERT_FALSE(world.memory.recorded().empty());
  EXPECT_GE(world.memory.recorded().back().failing.value_or(0ms), Milliseconds(2min));
  EXPECT_GT(world.memory.recorded().back().rounds, 2);
  EXPECT_EQ(world.sent(id), 'N');
  fail(world, 3min, unknown());
  EXPECT_EQ(world.sent(id), 'I');
}

TEST(GiveUp, SaysWhyAMessageStillWaitsAndUntilWhen) {
  World world({{"gateway"}}, patientConfig(4h));
  world.alert("kari", "router down");
  world.start();
  world.answer("gateway", deferred());
  EXPECT_EQ(world.story.count("given up"), 0u) << "a round is left";
  fail(world, 30s);
  EXPECT_EQ(world.story.count(
                "kari waits 30s after round 2: deferred from gateway: busy; it is given up if it still "
                "fails in 3h 60m"),
            0u);
  EXPECT_EQ(world.story.count(
                "kari waits 30s after round 2: deferred from gateway: busy; it is given up if it still "
                "fails in 4h (retry.give_up_after)"),
            1u);
  fail(world, 10min);
  EXPECT_EQ(world.story.count("fails in 3h 50m (retry.give_up_after)"), 2u);
}

// An operator's word: what was is forgotten.
TEST(GiveUp, StartsOverWhenAnOperatorEndsTheWait) {
  World world({{"gateway"}}, patientConfig(5min));
  auto id = world.alert("kari", "router down");
  world.start();
  fail(world, 4min, unknown());
  EXPECT_EQ(world.road->endWait(""), 0u) << "an empty number is a number";
  EXPECT_EQ(world.road->endWait(std::nullopt), 1u) << "all";
  fail(world, 4min, unknown());
  EXPECT_EQ(world.sent(id), 'N');
}

}  // namespace
}  // namespace smsd::road
