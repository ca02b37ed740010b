// SPDX-License-Identifier: GPL-3.0-or-later
// The keeper of one dispatcher: the throttle, the probe, and what it tells the road and the journal.
#include <fcntl.h>
#include <gtest/gtest.h>

#include "tests/road/keeper-bench.h"

namespace smsd::keeper {
namespace {

TEST(Keeper, StartsNothingMoreOnceItDrains) {
  for (auto& situation : {"throttled", "draining"}) {
    Bench bench;
    situations.at(situation)(bench);
    bench.keeper.drain().detach([](kj::Exception&&) {});
    if (bench.worker.alive()) bench.worker.die();
    bench.advance(10min);
    EXPECT_EQ(bench.worker.hired, 1u) << situation;
  }
}

TEST(Keeper, IsUndecidedUntilItsFirstWorkerIsReadyOrGone) {
  for (bool gets : {true, false}) {
    Bench bench;
    situations.at("starting")(bench);
    EXPECT_TRUE(bench.keeper.undecided());
    gets ? bench.worker.ready() : bench.worker.die();
    bench.turn();
    EXPECT_FALSE(bench.keeper.undecided());
  }
  Bench bench;
  bench.worker.start = Start::fails;
  bench.start();
  EXPECT_FALSE(bench.keeper.undecided());
  EXPECT_NE(bench.keeper.reason().find("cannot start the worker"), std::string::npos);
}

TEST(Keeper, IsUsableButWithoutRoomWhenItIsFull) {
  Bench bench;
  bench.start();
  bench.give(4);
  EXPECT_EQ(bench.keeper.room(), 0u);
  EXPECT_TRUE(bench.keeper.usable());
}

TEST(Keeper, LetsOneSmsThroughAsTheProbe) {
  Bench bench;
  situations.at("probing")(bench);
  EXPECT_EQ(bench.keeper.room(), 0u);
  bench.worker.sayAll(deferred());
  bench.turn();
  bench.advance(10s);
  EXPECT_EQ(bench.keeper.room(), 1u);
  EXPECT_EQ(bench.keeper.out(), 0u);
}

TEST(Keeper, TellsTheRoadWhenItIsTimeToProbe) {
  Bench bench;
  situations.at("resting")(bench);
  bench.worker.sayAll(deferred());
  bench.turn();
  int before = bench.road.changes;
  bench.advance(5s - 1ms);
  EXPECT_EQ(bench.road.changes, before);
  bench.advance(1ms);
  EXPECT_GT(bench.road.changes, before);
  EXPECT_EQ(bench.keeper.room(), 1u);
}

TEST(Keeper, WaitsLongerEachTimeAWorkerDiesBeforeItServed) {
  for (Start how : {Start::ready, Start::silent, Start::fails}) {
    Bench bench;
    bench.worker.start = how;
    bench.start();
    if (how == Start::ready) {  // anybody's accident, the first time
      bench.worker.die();
      bench.turn();
    }
    for (Milliseconds wait : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
      if (bench.worker.alive()) bench.worker.die();
      bench.turn();
      unsigned starts = bench.keeper.starts();
      EXPECT_EQ(bench.keeper.untilProbe().count(), wait.count());
      bench.advance(wait - 1ms);
      ASSERT_EQ(bench.keeper.starts(), starts) << wait.count();
      bench.advance(1ms);
      ASSERT_EQ(bench.keeper.starts(), starts + 1) << wait.count();
    }
  }
}

TEST(Keeper, ReplacesAtOnceAWorkerThatHadServedHoweverOftenOthersDiedBefore) {
  Bench bench;
  bench.start();
  for (Milliseconds wait : {0s, 1s, 2s}) {
    bench.worker.die();
    bench.advance(wait);
  }
  for (int i = 0; i < 5; ++i) {
    bench.give(accepted());
    unsigned before = bench.worker.hired;
    bench.worker.die();
    bench.turn();
    EXPECT_EQ(bench.worker.hired, before + 1);
    EXPECT_EQ(bench.keeper.room(), 4u);
  }
  for (int i = 0; i < 2; ++i) {  // these had not served: the throttle starts over
    bench.worker.die();
    bench.turn();
  }
  EXPECT_EQ(bench.keeper.untilProbe(), 1s);
}

TEST(Keeper, RestsWhenWorkersDieWithWhateverTheyAreGiven) {
  Bench bench;
  bench.start();
  for (Milliseconds wait : {1s, 2s}) {
    bench.give(1);
    bench.worker.die();
    bench.advance(wait);
    EXPECT_EQ(static_cast<int>(bench.keeper.state()), static_cast<int>(State::ready));
  }
  bench.give(1);
  bench.worker.die();
  bench.advance(4s);
  EXPECT_EQ(static_cast<int>(bench.keeper.state()), static_cast<int>(State::resting));
  EXPECT_EQ(bench.keeper.room(), 0u);
  EXPECT_EQ(bench.keeper.counts().unknown, 3u);
}

TEST(Keeper, FinishesWhatIsOutWhileItIsPausedAndSaysSoOnce) {
  Bench bench;
  bench.start();
  auto out = bench.give(2);
  bench.keeper.pause();
  bench.keeper.pause();
  EXPECT_TRUE(bench.worker.alive());
  bench.worker.sayAll(accepted());
  bench.turn();
  for (auto attempt : out) EXPECT_EQ(bench.road.of(attempt), "accepted");
  EXPECT_EQ(bench.keeper.reason(), "paused by the operator");
  bench.keeper.resume();
  bench.keeper.resume();
  bench.turn();
  EXPECT_EQ(bench.keeper.room(), 4u);
  EXPECT_EQ(bench.keeper.reason(), "");
  EXPECT_EQ(bench.story.count("modem: paused"), 1u) << bench.story.text();
  EXPECT_EQ(bench.story.count("modem: resumed"), 1u);
  EXPECT_EQ(bench.story.count("modem: ready"), 1u) << "the start; resumed says it";
}

TEST(Keeper, LosesNothingWhenItsWorkerIsRestarted) {
  Bench bench;
  bench.start();
  auto begun = bench.give(2);
  auto waiting = bench.hand(2);
  bench.keeper.restart("the operator said so");
  bench.turn();
  EXPECT_EQ(bench.worker.drains, 1u);
  for (auto attempt : waiting) EXPECT_EQ(bench.road.of(attempt), "deferred, not begun");
  bench.worker.sayAll(accepted());
  bench.turn();
  for (auto attempt : begun) EXPECT_EQ(bench.road.of(attempt), "accepted");
  EXPECT_EQ(bench.worker.hired, 2u);
  EXPECT_EQ(bench.keeper.room(), 4u);
  EXPECT_EQ(bench.story.count("is gone"), 0u) << bench.story.text();
}

TEST(Keeper, DoesNotWaitLongForAWorkerThatIsRestartedAndHangs) {
  Bench bench;
  bench.start();
  auto begun = bench.give(1);
  bench.worker.mute = true;
  bench.keeper.restart("the operator said so");
  bench.advance(10s - 1ms);
  EXPECT_EQ(bench.worker.hired, 1u);
  bench.advance(1ms);
  EXPECT_EQ(bench.worker.hired, 2u);
  EXPECT_EQ(bench.road.of(begun[0]), "unknown");
}

TEST(Keeper, StartsTheThrottleOverWhenItIsRestarted) {
  Bench bench;
  bench.worker.start = Start::fails;
  bench.start();
  for (Milliseconds wait : {1s, 2s, 4s}) bench.advance(wait);
  EXPECT_EQ(bench.keeper.untilProbe(), 8s);
  unsigned starts = bench.keeper.starts();
  bench.keeper.restart("the operator said so");
  bench.turn();
  EXPECT_EQ(bench.keeper.starts(), starts + 1) << "at once";
  EXPECT_EQ(bench.keeper.untilProbe(), 1s);
}

TEST(Keeper, CountsAStrikeForEachBreachOfTheContract) {
  Bench bench;
  bench.start();
  bench.give(accepted());
  bench.worker.breach();
  bench.advance(1s);
  bench.worker.breach();
  bench.turn();
  EXPECT_EQ(bench.keeper.strikes(), 2u);
  EXPECT_EQ(bench.story.count("violated the protocol"), 2u);
}

TEST(Keeper, ReportsWhatWasOutWithADeadWorkerOnce) {
  Bench bench;
  bench.start();
  auto begun = bench.give(2);
  bench.worker.die();
  bench.advance(1min);
  EXPECT_EQ(bench.road.said.size(), 2u);
  for (auto attempt : begun) EXPECT_EQ(bench.road.of(attempt), "unknown");
  EXPECT_EQ(bench.keeper.counts().unknown, 2u);
}

TEST(Keeper, SaysOneThingForEachChangeOfItsState) {
  Bench bench;
  bench.start();
  for (int i = 0; i < 3; ++i) bench.give(deferred());
  bench.advance(5s);
  bench.give(deferred());
  bench.advance(10s);
  bench.give(accepted());
  EXPECT_EQ(bench.story.count("modem: ready"), 2u) << bench.story.text();
  EXPECT_EQ(bench.story.count("modem: resting"), 1u) << bench.story.text();
  EXPECT_EQ(bench.story.count("tried again in 5s: busy"), 1u) << bench.story.text();
  EXPECT_EQ(bench.keeper.reason(), "");
}

TEST(Keeper, LeavesAFarEndAloneForAsLongAsItAsks) {
  Bench bench;
  bench.start();
  for (int i = 0; i < 3; ++i) bench.give(deferred(30s));
  bench.advance(29s);
  EXPECT_EQ(bench.keeper.state(), State::resting);
  EXPECT_EQ(bench.keeper.room(), 0u);
  bench.advance(1s);
  EXPECT_EQ(bench.keeper.room(), 1u) << "the probe";
  EXPECT_EQ(bench.story.count("tried again in 30s: busy"), 1u) << bench.story.text();
}

TEST(Keeper, SaysOnceThatWorkersDieAtStartAndOnceThatOneServesAgain) {
  for (Start how : {Start::silent, Start::fails, Start::ready}) {
    Bench bench;
    bench.worker.start = how;
    bench.start();
    for (int deaths = 0; deaths < 20; ++deaths) {
      if (bench.worker.alive()) bench.worker.die("exit status 78 (configuration)");
      bench.turn();
      bench.advance(bench.keeper.untilProbe());
    }
    EXPECT_EQ(bench.story.count("modem: resting, tried again in 1s: "), 1u) << bench.story.text();
    std::size_t before = bench.story.count("\n");
    EXPECT_EQ(before, how == Start::ready ? 5u : 1u) << bench.story.text();
    bench.worker.start = Start::ready;
    if (bench.worker.alive() && how == Start::silent) bench.worker.ready();
    bench.advance(2min);
    EXPECT_EQ(static_cast<int>(bench.keeper.state()), static_cast<int>(State::ready));
    EXPECT_EQ(bench.story.count("\n"), before + 2) << bench.story.text();  // a worker, and the dispatcher
  }
}

// The reason of the rest is not the death of a worker meanwhile.
TEST(Keeper, RestsOnceForOneReasonAlthoughItsWorkerIsReplacedMeanwhile) {
  Bench bench;
  bench.start();
  for (int i = 0; i < 3; ++i) bench.give(deferred());
  bench.worker.start = Start::silent;
  bench.worker.die();
  bench.turn();
  EXPECT_EQ(static_cast<int>(bench.keeper.state()), static_cast<int>(State::starting));
  bench.worker.ready();
  bench.turn();
  EXPECT_EQ(static_cast<int>(bench.keeper.state()), static_cast<int>(State::resting));
  EXPECT_EQ(bench.keeper.reason(), "busy");
  EXPECT_EQ(bench.story.count("modem: resting"), 1u) << bench.story.text();
  EXPECT_EQ(bench.story.count("modem: ready"), 1u) << bench.story.text();
}

TEST(Keeper, DoesNotHearALateWordOfAGenerationThatIsGone) {
  Bench bench;
  bench.start();
  bench.give(accepted());
  auto out = bench.give(1);
  auto& late = bench.worker.events();
  bench.worker.die();  // the next one is there; the old one is not destroyed yet
  EXPECT_EQ(bench.worker.hired, 2u);
  late.workerReported({{out[0], accepted(), delivery::Begun::yes, {}}});
  late.workerReady({9, 9, false, {}}, {});
  late.workerGone("again", {{out[0], unknown(), delivery::Begun::yes, {}}}, Conduct::breach);
  EXPECT_EQ(bench.keeper.strikes(), 0u);
  bench.turn();
  EXPECT_EQ(bench.road.said.size(), 2u);
  EXPECT_EQ(bench.road.of(out[0]), "unknown");
  EXPECT_EQ(bench.keeper.capacity(), 4u);
  EXPECT_EQ(bench.keeper.counts().accepted, 1u);
}

// What a worker was given ahead goes elsewhere when the way out has failed, or the operator paused it.
TEST(Keeper, WithholdsWhatIsNotBegunWhenItRestsIsBrokenOrPaused) {
  for (auto& [situation, leave] : std::map<std::string, Leave>{{"ready", Leave::granted},
                                                               {"resting", Leave::withheld},
                                                               {"broken", Leave::withheld},
                                                               {"sick", Leave::withheld},
                                                               {"paused", Leave::withheld},
                                                               {"draining", Leave::withheld},
                                                               {"probing", Leave::granted}}) {
    Bench bench;
    situations.at(situation)(bench);
    EXPECT_EQ(static_cast<int>(bench.worker.events().mayBegin(0)), static_cast<int>(leave)) << situation;
    bench.road.ours = false;
    EXPECT_EQ(static_cast<int>(bench.worker.events().mayBegin(0)), static_cast<int>(Leave::revoked));
  }
}

TEST(Keeper, GivesNothingMoreToAWorkerThatGivesBackUntilAnotherHasItsPlace) {
  Bench bench;
  bench.start();
  bench.give(accepted());
  auto out = bench.give(1);
  bench.worker.giveBack(bench.hand(2));
  bench.turn();
  for (auto wait : {0s, 1s, 5s}) {  // it finishes what it has begun
    bench.advance(wait);
    EXPECT_FALSE(bench.keeper.usable());
    EXPECT_EQ(bench.keeper.room(), 0u);
    EXPECT_EQ(static_cast<int>(bench.keeper.state()), static_cast<int>(State::starting));
    EXPECT_EQ(static_cast<int>(bench.worker.events().mayBegin(0)), static_cast<int>(Leave::withheld));
  }
  bench.worker.say(out.at(0), accepted());
  bench.worker.die("exit status 0");
  bench.turn();
  EXPECT_EQ(bench.worker.hired, 2u);
  EXPECT_EQ(bench.keeper.room(), 4u);
  bench.advance(2s);
  EXPECT_EQ(bench.keeper.room(), 4u);
}

TEST(Keeper, EndsAWorkerThatGivesBackAndDoesNotEndByItself) {
  Bench bench;
  bench.start();
  bench.worker.giveBack(bench.hand(1));
  bench.turn();
  bench.advance(5s - 1ms);
  EXPECT_TRUE(bench.worker.alive());
  EXPECT_EQ(bench.keeper.room(), 0u);
  bench.advance(1ms);
  ASSERT_EQ(bench.worker.ended, (std::vector<std::string>{"it gave back its SMS, and did not end"}));
  EXPECT_EQ(static_cast<int>(bench.keeper.state()), static_cast<int>(State::resting));
  EXPECT_EQ(bench.story.count("did not end"), 1u) << bench.story.text();
  bench.advance(1s);
  EXPECT_EQ(bench.keeper.room(), 4u);
}

TEST(Keeper, CountsOutcomes) {
  Bench bench;
  bench.start();
  for (auto& outcome : {accepted(), accepted(), refused(), deferred(), unknown(), broken()})
    bench.give(outcome);
  EXPECT_EQ(bench.keeper.counts().accepted, 2u);
  EXPECT_EQ(bench.keeper.counts().refused, 1u);
  EXPECT_EQ(bench.keeper.counts().deferred, 1u);
  EXPECT_EQ(bench.keeper.counts().unknown, 1u);
  EXPECT_EQ(bench.keeper.counts().broken, 1u);
}

/// The same with a process: what it says when it ends is the reason an operator reads.
TEST(Keeper, SaysHowAWorkerProcessEnded) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"/bin/false", "exit status 1"}, {"/nonexistent/worker", "cannot start /nonexistent/worker"}};
  for (auto& [program, reason] : cases) {
    Story story;
    auto io = kj::setupAsyncIo();
    events::EventLog log{config::RecipientInLog::plain};
    Ears road;
    auto nothing = std::make_shared<kj::AutoCloseFd>(open("/dev/null", O_RDONLY | O_CLOEXEC));
    SpawnPlan plan{program, "/dev/null", "modem", "/", nothing};
    Keeper keeper(io, named("modem", config::Activation::spawn), plan, 0, log, road);
    keeper.start();
    while (keeper.undecided()) road.nextChange().wait(io.waitScope);
    EXPECT_EQ(static_cast<int>(keeper.state()), static_cast<int>(State::resting));
    EXPECT_NE(keeper.reason().find(reason), std::string::npos) << keeper.reason();
  }
}

}  // namespace
}  // namespace smsd::keeper
