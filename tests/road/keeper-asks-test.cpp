// SPDX-License-Identifier: GPL-3.0-or-later
// The keeper of one dispatcher: what it asks its worker, of its health and of attempts that were out, and
// what it makes of the answer, or of none.
#include <gtest/gtest.h>

#include "tests/road/keeper-bench.h"

namespace smsd::keeper {
namespace {

TEST(Keeper, KnowsWhatItsWorkerSaysOfItsWayOut) {
  Bench bench;
  bench.worker.condition.details = {{"signal", "61 %"}};
  bench.start();
  bench.advance(1ms);
  ASSERT_EQ(bench.keeper.lastHealth().details.size(), 1u);
  EXPECT_EQ(bench.keeper.lastHealth().details[0].second, "61 %");
  bench.worker.condition.details[0].second = "12 %";
  bench.advance(1min);
  EXPECT_EQ(bench.keeper.lastHealth().details[0].second, "12 %");
}

// C10: before an SMS is spent on it, and without one as the probe.
TEST(Keeper, GivesNoSmsToAWorkerThatSaysItIsBrokenUntilItSaysItIsNot) {
  Bench bench;
  bench.worker.condition.broken = "no SIM";
  bench.start();
  EXPECT_EQ(static_cast<int>(bench.keeper.state()), static_cast<int>(State::broken));
  EXPECT_EQ(bench.keeper.room(), 0u);
  EXPECT_EQ(bench.keeper.reason(), "no SIM");
  bench.advance(2h);
  EXPECT_EQ(bench.keeper.room(), 0u) << "never probed with an SMS";
  EXPECT_EQ(bench.story.count("modem: broken, tried again in 15s: no SIM"), 1u) << bench.story.text();
  bench.worker.condition.broken.clear();
  bench.advance(15s);
  EXPECT_EQ(bench.keeper.room(), 4u);
  EXPECT_EQ(bench.story.count("modem: ready"), 1u) << bench.story.text();
}

TEST(Keeper, GivesNoSmsToAWorkerWithLessOfALockThanItsEntryRequires) {
  auto config = named("modem", config::Activation::spawn);
  config.requireLock = {"landlock:6", "seccomp"};
  Bench bench(config);
  bench.worker.traits.lock = {"no_new_privs", "landlock:4", "seccomp"};
  bench.start();
  EXPECT_EQ(static_cast<int>(bench.keeper.state()), static_cast<int>(State::broken));
  EXPECT_EQ(bench.keeper.room(), 0u);
  EXPECT_NE(bench.keeper.reason().find("lacks landlock:6"), std::string::npos) << bench.keeper.reason();
  bench.advance(2h);
  bench.keeper.resume();
  bench.advance(1min);
  EXPECT_EQ(bench.keeper.room(), 0u) << "its own word that it is well does not help";
  EXPECT_EQ(bench.story.count("modem: broken, tried again in 15s: the lock of its worker lacks"), 1u);
  bench.worker.traits.lock = {"landlock:6", "seccomp"};  // the next worker, on another kernel
  bench.keeper.restart("the operator");
  bench.advance(1s);
  EXPECT_EQ(bench.keeper.room(), 4u);
  EXPECT_EQ(bench.story.count("modem: ready"), 1u) << bench.story.text();
}

TEST(Keeper, AsksAWorkerWhoseSmsWasBrokenWhetherItCanTellWhenThatIsOver) {
  for (bool can : {true, false}) {
    Bench bench;
    bench.start();
    bench.advance(1s);
    if (can) bench.worker.condition.broken = "no SIM";
    bench.give(broken());
    bench.advance(1ms);
    bench.worker.condition.broken.clear();
    bench.advance(15s);
    EXPECT_EQ(bench.keeper.room(), can ? 4u : 0u);
    bench.advance(1min);
    EXPECT_EQ(bench.keeper.room(), can ? 4u : 1u) << "else an SMS is the probe";
  }
}

TEST(Keeper, EndsAWorkerThatDoesNotSayHowItIs) {
  Bench bench;
  bench.start();
  auto out = bench.give(1);
  bench.worker.hung = true;
  bench.advance(5s - 1ms);
  EXPECT_EQ(bench.worker.hired, 1u);
  bench.advance(1ms);
  EXPECT_EQ(bench.worker.ended.size(), 1u);
  bench.worker.hung = false;
  bench.advance(1s);  // it had not served: the next one waits
  EXPECT_EQ(bench.worker.hired, 2u);
  EXPECT_EQ(bench.road.of(out[0]), "unknown");
  EXPECT_EQ(bench.story.count("the worker hangs; 1 SMS"), 1u) << bench.story.text();
  EXPECT_EQ(bench.story.count("tried again in 1s: it did not answer"), 1u) << bench.story.text();
}

TEST(Keeper, AsksNobodyWhoReportsAndAnIdleWorkerOnceAMinute) {
  Bench bench;
  bench.start();
  bench.advance(10min);
  EXPECT_LE(bench.worker.healths, 11u);
  unsigned before = bench.worker.healths;
  bench.give(1);
  for (int i = 0; i < 50; ++i) {
    bench.give(accepted());
    bench.advance(1s);
  }
  EXPECT_LE(bench.worker.healths, before + 2) << "outcomes say enough";
}

TEST(Keeper, AsksAWorkerThatOutlivedItsConnectionWhatBecameOfItsSms) {
  Bench bench(config::Activation::socket);
  bench.start();
  bench.give(accepted());
  auto out = bench.give(3);
  bench.worker.remembers = {{out[0], accepted("17")}, {out[1], std::nullopt}};
  bench.worker.die("the connection was lost");
  bench.turn();
  for (auto attempt : out) EXPECT_EQ(bench.road.of(attempt), "nothing") << "the worker may know";
  bench.advance(500ms);
  EXPECT_EQ(bench.road.of(out[0]), "accepted");
  EXPECT_EQ(bench.road.of(out[1]), "nothing") << "it is under way there";
  EXPECT_EQ(bench.road.of(out[2]), "unknown") << "it is not known there any more";
  bench.worker.remembers[out[1]] = accepted("18");
  bench.advance(500ms);
  EXPECT_EQ(bench.road.of(out[1]), "accepted");
  EXPECT_EQ(bench.road.said.size(), 4u) << "none twice";
}

// It cannot be killed from here: its own deadline and systemd's watchdog do that, and the next connection
// asks.
TEST(Keeper, LetsGoOfAWorkerBehindASocketThatHangsAndAsksTheNextOne) {
  Bench bench(config::Activation::socket);
  bench.start();
  bench.give(accepted());
  auto out = bench.give(2);
  bench.worker.hung = true;
  bench.worker.remembers = {{out[0], accepted("17")}};
  bench.advance(5s);
  ASSERT_EQ(bench.worker.ended.size(), 1u);
  EXPECT_EQ(bench.worker.hired, 2u);
  bench.worker.hung = false;
  bench.advance(500ms);
  EXPECT_EQ(bench.road.of(out[0]), "accepted");
  EXPECT_EQ(bench.road.of(out[1]), "unknown");
}

TEST(Keeper, GivesUpAskingWhenNoWorkerComesBackInTime) {
  Bench bench(config::Activation::socket);
  bench.start();
  bench.give(accepted());
  auto out = bench.give(1);
  bench.worker.start = Start::fails;
  bench.worker.die("the connection was lost");
  bench.advance(59s);
  EXPECT_EQ(bench.road.of(out[0]), "nothing");
  bench.advance(2s);  // timeout and start_timeout are over
  EXPECT_EQ(bench.road.of(out[0]), "unknown");
}

// What an SMS of another life met is that life's: an operator mended it, and restarted smsd.
TEST(Keeper, DoesNotTakeForTodaysStateWhatBecameOfItsPredecessorsSms) {
  for (auto& outcome : {broken(), unknown(), deferred(1h)}) {
    Bench bench(config::Activation::socket);
    bench.worker.remembers = {{4711, outcome}, {4712, outcome}, {4713, outcome}};
    bench.start();
    bench.inquire({4711, 4712, 4713});
    bench.advance(1ms);
    EXPECT_EQ(bench.road.of(4711), name(outcome.kind)) << "its own fate is known";
    EXPECT_EQ(bench.keeper.state(), State::ready);
    EXPECT_EQ(bench.keeper.room(), 4u) << "the very next SMS tries it";
    EXPECT_EQ(bench.keeper.reason(), "");
    bench.give(broken());
    EXPECT_EQ(bench.keeper.state(), State::broken) << "what its own SMS meets counts";
  }
}

TEST(Keeper, KnowsThatAWorkerItStartedItselfDiedWithItsPredecessor) {
  Bench bench;
  bench.start();
  bench.inquire({4711});
  bench.turn();
  EXPECT_EQ(bench.road.of(4711), "unknown");
  EXPECT_EQ(bench.worker.recalls, 0u);
}

}  // namespace
}  // namespace smsd::keeper
