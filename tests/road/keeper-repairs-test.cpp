// SPDX-License-Identifier: GPL-3.0-or-later
// The keeper of one dispatcher that somebody mends: what an operator's word, a restart of its unit and a
// restart of smsd bring about, and how the trouble is shown meanwhile.
#include <gtest/gtest.h>

#include "tests/road/keeper-bench.h"
#include "version.h"

namespace smsd::keeper {
namespace {

// Whether it was paused or not: an operator who says "resume" sees it tried.
TEST(Keeper, IsTriedAtOnceWhenAnOperatorResumesItInAnyTrouble) {
  using Resumed = Keeper::Resumed;
  struct Row {
    std::string situation;
    Resumed done;
    std::size_t room;  // at once
  };
  for (auto& row : std::vector<Row>{{"resting", Resumed::probe, 0},  // one is out still
                                    {"paused, resting", Resumed::probe, 1},
                                    {"broken", Resumed::probe, 0},
                                    {"sick", Resumed::asked, 4},
                                    {"throttled", Resumed::started, 4},
                                    {"throttled, had been ready", Resumed::started, 4},
                                    {"paused", Resumed::usable, 3},
                                    {"ready", Resumed::nothing, 3}}) {
    SCOPED_TRACE(row.situation);
    Bench bench;
    situations.at(row.situation)(bench);
    bench.worker.condition.broken.clear();
    EXPECT_EQ(static_cast<int>(bench.keeper.resume()), static_cast<int>(row.done));
    bench.advance(1ms);
    EXPECT_EQ(bench.keeper.room(), row.room);
    bench.worker.sayAll(deferred());
    if (row.done != Resumed::probe) continue;
    bench.keeper.resume();
    bench.turn();
    EXPECT_EQ(bench.keeper.room(), 1u) << "the probe, and no time is left to wait";
    EXPECT_EQ(bench.keeper.untilProbe(), 0ms);
  }
}

TEST(Keeper, ShowsItsLastTroubleWithItsAgeUntilAnSmsIsAnswered) {
  for (auto& answer : {accepted(), refused()}) {
    Bench bench;
    bench.start();
    EXPECT_TRUE(bench.keeper.troubleFor() == nullptr);
    EXPECT_FALSE(bench.keeper.doubtful());
    bench.give(deferred());
    bench.advance(3s);
    EXPECT_EQ(bench.keeper.state(), State::ready);
    EXPECT_EQ(bench.keeper.reason(), "busy");
    EXPECT_EQ(KJ_ASSERT_NONNULL(bench.keeper.troubleFor()), 3 * kj::SECONDS);
    EXPECT_TRUE(bench.keeper.doubtful()) << "ready, but is it?";
    bench.give(answer);
    EXPECT_EQ(bench.keeper.reason(), "");
    EXPECT_FALSE(bench.keeper.doubtful());
  }
  Bench bench;
  bench.start();
  bench.give(accepted());
  bench.worker.die("signal 9 (Killed)");
  bench.advance(1min);
  EXPECT_EQ(bench.keeper.reason(), "signal 9 (Killed)") << "that another one runs is no answer";
  EXPECT_FALSE(bench.keeper.doubtful()) << "but nothing speaks against the dispatcher";
}

// An operator mends its file and restarts its unit while the throttle waits: the next SMS finds it.
TEST(Keeper, LooksSoonForAWorkerOfSystemdsWhenThereIsSomethingToSend) {
  for (auto activation : {config::Activation::socket, config::Activation::spawn}) {
    Bench bench(activation);
    bench.worker.start = Start::fails;
    bench.start();
    for (Milliseconds wait : {1s, 2s, 4s, 8s}) bench.advance(wait);
    EXPECT_EQ(bench.keeper.untilProbe(), 16s);
    unsigned starts = bench.keeper.starts();
    bench.worker.start = Start::ready;
    bench.keeper.wanted();
    bool soon = activation == config::Activation::socket;
    EXPECT_EQ(bench.keeper.untilProbe(), soon ? 2s : 16s) << "not at once: news may come often";
    bench.advance(2s);
    EXPECT_EQ(bench.keeper.starts(), starts + (soon ? 1 : 0));
    EXPECT_EQ(bench.keeper.state(), soon ? State::ready : State::resting);
  }
  Bench bench(config::Activation::socket);
  bench.start();
  bench.worker.breach();
  bench.turn();
  bench.advance(1s);
  bench.worker.breach();
  bench.turn();
  bench.keeper.wanted();
  EXPECT_EQ(bench.keeper.untilProbe(), 2s) << "one that breaks the contract waits its time";
}

// To let go of a connection leaves the process behind systemd's socket as it was.
TEST(Keeper, TellsAWorkerOfSystemdsToQuitWhenItIsRestarted) {
  for (auto activation : {config::Activation::socket, config::Activation::spawn}) {
    Bench bench(activation);
    bench.start();
    auto begun = bench.give(1);
    auto waiting = bench.hand(1);
    bench.keeper.restart("the operator said so");
    bench.turn();
    EXPECT_EQ(bench.worker.quits, activation == config::Activation::socket ? 1u : 0u);
    EXPECT_EQ(bench.road.of(waiting[0]), "deferred, not begun");
    EXPECT_EQ(bench.worker.hired, 1u) << "it finishes what it has begun";
    bench.worker.sayAll(accepted());
    bench.turn();
    EXPECT_EQ(bench.road.of(begun[0]), "accepted");
    EXPECT_EQ(bench.worker.ended.size(), activation == config::Activation::socket ? 0u : 1u)
        << "it ends by itself";
    EXPECT_EQ(bench.worker.hired, 2u);
    EXPECT_EQ(bench.keeper.room(), 4u);
    EXPECT_EQ(bench.story.count("is gone"), 0u) << bench.story.text();
    EXPECT_EQ(bench.story.count("resting"), 0u) << bench.story.text();
  }
}

TEST(Keeper, LeavesTheProcessOfSystemdsWhenOnlyItsEntryHasChanged) {
  Bench bench(config::Activation::socket);
  bench.start();
  bench.keeper.reconfigure(named("modem", config::Activation::socket), bench.worker.hire());
  bench.turn();
  EXPECT_EQ(bench.worker.quits, 0u);
  EXPECT_EQ(bench.worker.drains, 1u);
  EXPECT_EQ(bench.worker.hired, 2u) << "connected again";
}

TEST(Keeper, TellsAWorkerOfSystemdsToQuitThatIsNotReadyYet) {
  Bench bench(config::Activation::socket);
  situations.at("starting")(bench);
  bench.worker.start = Start::ready;
  bench.keeper.restart("the operator said so");
  bench.turn();
  EXPECT_EQ(bench.worker.quits, 1u);
  EXPECT_EQ(bench.worker.hired, 2u);
  EXPECT_EQ(bench.keeper.state(), State::ready);
}

TEST(Keeper, SaysThatAnOlderWorkerStaysWhereItCannotBeReplaced) {
  Bench bench(config::Activation::socket);
  bench.worker.old = true;
  bench.start();
  bench.keeper.restart("the operator said so");
  bench.turn();
  EXPECT_EQ(bench.worker.drains, 1u);
  EXPECT_EQ(bench.worker.ended.size(), 1u);
  EXPECT_EQ(bench.worker.hired, 2u) << "connected again, to the same process";
  EXPECT_EQ(bench.story.count("its process stays: `systemctl restart smsd-debug@modem` replaces it"), 1u)
      << bench.story.text();
}

// systemd hangs up on what connects while the last process is still ending.
TEST(Keeper, KnocksAgainQuietlyWhenItIsShutOutWhileTheLastProcessEnds) {
  Bench bench(config::Activation::socket);
  bench.start();
  bench.give(accepted());
  bench.worker.start = Start::silent;
  bench.keeper.restart("the operator said so");
  bench.turn();
  for (int i = 0; i < 3; ++i) {
    bench.worker.die("the connection ended");
    bench.turn();
    EXPECT_EQ(bench.keeper.state(), State::starting);
    EXPECT_EQ(bench.worker.hired, 2u + i);
    bench.advance(200ms);
    EXPECT_EQ(bench.worker.hired, 3u + i);
  }
  EXPECT_EQ(bench.story.count("resting"), 0u) << bench.story.text();
  bench.advance(3s);
  bench.worker.die("the connection ended");
  bench.turn();
  EXPECT_EQ(bench.keeper.state(), State::resting) << "not for ever";
}

TEST(Keeper, RestsAtOnceWhenTheNextWorkerSaysThatItCannotStart) {
  Bench bench(config::Activation::socket);
  bench.start();
  bench.give(accepted());
  bench.worker.start = Start::silent;
  bench.worker.say(Cause::told);
  bench.worker.die("its unit was stopped or restarted");
  bench.turn();
  bench.worker.say(Cause::cannotStart);
  bench.worker.die("gateway.yaml:1:1: unknown key 'ulr'");
  bench.turn();
  EXPECT_EQ(bench.keeper.state(), State::resting);
  EXPECT_EQ(bench.keeper.reason(), "gateway.yaml:1:1: unknown key 'ulr'");
  EXPECT_EQ(bench.story.count("unknown key 'ulr'"), 1u) << bench.story.text();
}

// `systemctl restart smsd-http@gateway` after something was mended: nobody waits for the old probe.
TEST(Keeper, IsTriedAtOnceWhenItsUnitWasRestartedAndNotWhenAWorkerCrashed) {
  for (bool told : {true, false}) {
    Bench bench(config::Activation::socket);
    bench.start();
    bench.give(broken());
    EXPECT_EQ(bench.keeper.room(), 0u);
    if (told) bench.worker.say(Cause::told);
    bench.worker.die("the connection ended");
    bench.advance(1ms);
    EXPECT_EQ(bench.worker.hired, 2u);
    EXPECT_EQ(bench.keeper.room(), told ? 1u : 0u);
    EXPECT_EQ(bench.keeper.state(), State::broken) << "until an SMS was taken";
    if (!told) continue;
    bench.give(accepted());
    EXPECT_EQ(bench.keeper.state(), State::ready);
  }
}

// What a process read that is older than smsd may have been mended before smsd was restarted.
TEST(Keeper, ReplacesOnceAProcessThatIsOlderThanSmsdWhenItIsBroken) {
  for (unsigned visits : {0U, 1U, 2U}) {
    Bench bench(config::Activation::socket);
    bench.worker.traits.visits = visits;
    bench.start();
    bench.give(broken());
    bench.turn();
    EXPECT_EQ(bench.worker.quits, visits == 2 ? 1u : 0u) << visits;
    EXPECT_EQ(bench.keeper.state(), visits == 2 ? State::ready : State::broken);
    if (visits < 2) continue;
    EXPECT_EQ(bench.worker.hired, 2u);
    bench.give(broken());
    bench.turn();
    EXPECT_EQ(bench.worker.quits, 1u) << "a fresh one that is broken is broken";
    EXPECT_EQ(bench.keeper.state(), State::broken);
  }
}

// After an upgrade, a worker that its own unit runs is still the old program.
TEST(Keeper, ReplacesOnceAProcessOfAnotherBuild) {
  const struct {
    unsigned visits;
    const char* software;
    unsigned quits;
  } cases[] = {{2, "smsd-worker 0.0.9", 1},
               {2, SMSD_WORKER_SOFTWARE, 0},
               {1, "smsd-worker 0.0.9", 0},
               {2, "pager 7", 0},
               {2, "", 0}};
  for (const auto& one : cases) {
    Bench bench(config::Activation::socket);
    bench.worker.traits.visits = one.visits;
    bench.worker.traits.software = one.software;
    bench.start();
    bench.advance(1s);
    EXPECT_EQ(bench.worker.quits, 0u) << "an earlier smsd may have left attempts that it remembers";
    bench.keeper.inquire({});
    bench.turn();
    EXPECT_EQ(bench.worker.quits, one.quits) << one.software;
    EXPECT_EQ(bench.worker.hired, 1 + one.quits);
    bench.keeper.inquire({});
    bench.turn();
    EXPECT_EQ(bench.worker.quits, one.quits) << "the package of the worker was not upgraded";
    EXPECT_EQ(bench.keeper.state(), State::ready);
  }
}

// The former smsd was still connected when this one came.
TEST(Keeper, ReplacesAProcessOfAnotherBuildAlsoAfterAConnectionThatFailed) {
  Bench bench(config::Activation::socket);
  bench.worker.traits.visits = 2;
  bench.worker.traits.software = "smsd-worker 0.0.9";
  bench.worker.start = Start::fails;
  bench.start();
  bench.keeper.inquire({});
  bench.worker.start = Start::ready;
  for (int i = 0; i < 60; ++i) bench.advance(1s);
  EXPECT_EQ(bench.worker.quits, 1u);
  EXPECT_EQ(bench.keeper.state(), State::ready);
  EXPECT_GE(bench.story.count("of another build than smsd: smsd-worker 0.0.9"), 1u) << bench.story.text();
}

TEST(Keeper, ReplacesAProcessOfAnotherBuildOnlyWhenItHasAnsweredForFormerAttempts) {
  Bench bench(config::Activation::socket);
  bench.worker.traits.visits = 2;
  bench.worker.traits.software = "smsd-worker 0.0.9";
  bench.worker.remembers = {{7, std::nullopt}};
  bench.start();
  bench.inquire({7});
  for (int i = 0; i < 5; ++i) bench.advance(1s);
  EXPECT_EQ(bench.worker.quits, 0u) << "it is still sending it";
  bench.worker.remembers[7] = accepted("ref");
  for (int i = 0; i < 5; ++i) bench.advance(1s);
  EXPECT_EQ(bench.road.of(7), "accepted");
  EXPECT_EQ(bench.worker.quits, 1u);
}

}  // namespace
}  // namespace smsd::keeper
