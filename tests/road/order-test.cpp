// SPDX-License-Identifier: GPL-3.0-or-later
// Nothing mild keeps something severe waiting: which SMS is next at each place where one is chosen before
// another, while something does not work.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/road/world.h"

namespace smsd::road {
namespace {

using Names = std::vector<std::string>;
using queue::Op;

constexpr int severe = 1, mild = 5;

bool isSevere(const std::string& recipient) { return recipient.starts_with("severe"); }

void put(World& world, const std::string& name, int count, int severity) {
  for (int i = 0; i < count; ++i) world.memory.put(name + " " + std::to_string(i), "text", severity);
}

/// A lease is measured by the kernel's clock as well, which a busy machine does not stop for.
config::Config patientConfig() {
  config::Config config = quietConfig();
  config.queue.lease = 10min;
  return config;
}

/// How many mild ones left between the first and the last severe one.
long mildBetween(const Names& names) {
  auto first = std::find_if(names.begin(), names.end(), isSevere);
  auto last = std::find_if(names.rbegin(), names.rend(), isSevere).base();
  return last - first - std::count_if(first, last, isSevere);
}

/// Each attempt is answered alone, as long as there is one.
void answerOneByOne(World& world, const std::string& name, const delivery::Outcome& outcome) {
  while (!world[name].out().empty()) {
    world[name].say(world[name].out().front(), outcome);
    world.quiet();
  }
}

// 8,000 were waiting, then 1,000 critical ones came at once: 6,432 mild ones went between these.
TEST(Severity, OnlyTheShareOfTheMildLeavesInAStormOfSevereOnes) {
  constexpr int mildOnes = 500, severeOnes = 140;
  for (unsigned share : {8u, 3u, 0u})
    for (auto [window, backlog] : {std::pair(1u, 0u), {1u, 1u}, {8u, 8u}, {64u, 64u}}) {
      config::Config config = patientConfig();
      config.queue.mildShare = static_cast<int>(share);
      World world({{"gateway", window, backlog}}, config);
      put(world, "mild", mildOnes, mild);
      world.start();
      for (int i = 0; i < 20; ++i) {
        world["gateway"].say(world["gateway"].out().front(), accepted());
        world.quiet();
      }
      put(world, "severe", severeOnes, severe);
      world.road->notice();
      world.quiet();
      answerOneByOne(world, "gateway", accepted());
      long between = mildBetween(world.handedTo("gateway"));
      long most = (share == 0 ? 0 : severeOnes / (static_cast<long>(share) - 1)) + 2 * (window + backlog);
      std::printf("window %u, backlog %u, share %u: %ld mild ones between, at most %ld\n", window, backlog,
                  share, between, most);
      EXPECT_LE(between, most) << window << ", " << backlog << ", " << share;
      EXPECT_EQ(world.memory.count(queue::SentStatus::sent), std::size_t(mildOnes + severeOnes));
    }
}

/// One gateway that takes what is severe, and gives the mild another outcome.
struct Poisoned {
  explicit Poisoned(unsigned window, unsigned backlog, Milliseconds takes, delivery::Outcome mild = unknown())
      : world({{"gateway", window, backlog}}, patientConfig()), takes_(takes), mild_(std::move(mild)) {
    world["gateway"].took = takes;
  }
  /// What is mild is answered when its time is over, what is severe at once.
  void pass(Milliseconds time) {
    constexpr Milliseconds step = 100ms;
    for (Milliseconds gone(0); gone < time; gone += step) {
      answer();
      world.advance(step);
    }
    answer();
  }
  void answer() {
    auto& gateway = world["gateway"];
    for (bool more = true; more;) {
      more = false;
      for (auto attempt : gateway.out()) {
        auto handed = std::find_if(gateway.handed.begin(), gateway.handed.end(),
                                   [attempt](auto& one) { return one.attempt == attempt; });
        auto since = since_.emplace(attempt, world.timer.now()).first->second;
        bool good = isSevere(handed->recipient);
        if (!good && (world.timer.now() - since) / kj::MILLISECONDS < takes_.count()) continue;
        gateway.took = good ? 20ms : takes_;
        gateway.say(attempt, good ? accepted() : mild_);
        world.quiet();
        more = true;
        break;
      }
    }
  }
  /// Until it was handed over.
  Milliseconds delayOf(const std::string& recipient, Milliseconds most) {
    auto before = world.timer.now();
    world.alert(recipient, "critical", severe);
    for (;;) {
      Milliseconds gone((world.timer.now() - before) / kj::MILLISECONDS);
      auto names = world.handedTo("gateway");
      if (std::find(names.begin(), names.end(), recipient) != names.end() || gone > most) return gone;
      pass(100ms);
    }
  }
  World world;

 private:
  Milliseconds takes_;
  delivery::Outcome mild_;
  std::map<queue::AttemptId, kj::TimePoint> since_;
};

TEST(Severity, MildOnesThatStayUnknownDoNotKeepASevereOneOfSomebodyElse) {
  for (int count : {1, 3, 40})
    for (unsigned window : {1u, 4u, 16u})
      for (Milliseconds takes : {20ms, 10'000ms}) {
        SCOPED_TRACE(std::to_string(count) + " mild ones, window " + std::to_string(window) + ", " +
                     std::to_string(takes.count()) + " ms");
        Poisoned poisoned(window, 0, takes);
        put(poisoned.world, "mild", count, mild);
        poisoned.world.start();
        const Milliseconds most = takes < 1s ? Milliseconds(6s) : takes + 1s;
        Milliseconds worst(0);
        for (int i = 0; i < 30; ++i) {
          poisoned.pass(i < 15 ? 7s : 700ms);
          worst = std::max(worst, poisoned.delayOf("severe " + std::to_string(i), most + 20s));
        }
        std::printf("%d mild ones, window %u, each takes %ld ms: a severe one waited %ld ms at most\n", count,
                    window, long(takes.count()), long(worst.count()));
        EXPECT_LE(worst, most);
      }
}

TEST(Severity, AGatewayThatPutsOffMildOnesIsAskedForASevereOne) {
  for (int count : {3, 60})
    for (unsigned window : {1u, 16u}) {
      SCOPED_TRACE(std::to_string(count) + " mild ones, window " + std::to_string(window));
      Poisoned poisoned(window, 0, 20ms, deferred(120s));
      put(poisoned.world, "mild", count, mild);
      poisoned.world.start();
      Milliseconds worst(0);
      for (int i = 0; i < 20; ++i) {
        poisoned.pass(i < 10 ? 7s : 700ms);
        worst = std::max(worst, poisoned.delayOf("severe " + std::to_string(i), 30s));
      }
      EXPECT_LE(worst, 1s);
    }
}

TEST(Severity, PartOfAWindowStaysFreeForItWhileMildOnesWaitForATimeout) {
  World world({{"gateway", 4}});
  world.start();
  for (int i = 0; i < 3; ++i) world.alert("mild " + std::to_string(i), "text", mild);
  world.advance(2s);
  world.alert("mild 3", "text", mild);
  EXPECT_EQ(world["gateway"].out().size(), 3u);
  world.alert("severe", "text", severe);
  EXPECT_EQ(world.handedTo("gateway").back(), "severe");
}

// The worst of three: it is in the queue, and nobody has told us.
TEST(Severity, AProbeIsTheMostSevereOfTheWholeQueueWhateverIsInHand) {
  World world({{"gateway", 4}});
  put(world, "mild", 3, mild);
  world.start();
  world["gateway"].sayAll({delivery::OutcomeKind::deferred, "cannot be reached", {}, delivery::Reached::no});
  world.quiet();
  ASSERT_EQ(world.road->dispatchers()[0].state(), keeper::State::resting);
  put(world, "other mild", 20, mild);
  world.memory.put("severe", "text", severe);
  world.advance(5s);
  ASSERT_EQ(world["gateway"].out().size(), 1u);
  EXPECT_EQ(world.handedTo("gateway").back(), "severe");
}

TEST(Severity, AnUnknownOneWhoseRoundComesIsNoProbeBeforeAMoreSevereOne) {
  World world({{"gateway"}});
  world["gateway"].took = 2s;
  auto maybe = world.alert("mild", "text", mild);
  world.start();
  for (int i = 0; i < 3; ++i) world["gateway"].sayAll(unknown()), world.quiet();
  world.advance(1min);
  while (!world["gateway"].out().empty()) world["gateway"].sayAll(unknown()), world.quiet();
  world.memory.put("severe", "text", severe);
  const std::size_t before = world["gateway"].handed.size();
  for (int i = 0; i < 100 && world["gateway"].handed.size() == before; ++i) world.advance(1s);
  ASSERT_GT(world["gateway"].handed.size(), before);
  EXPECT_EQ(world["gateway"].handed[before].recipient, "severe");
  for (int i = 0; i < 10; ++i) {
    world.answer("gateway", accepted());
    world.advance(10s);
  }
  EXPECT_EQ(world.sent(maybe), 'Y');
}

TEST(Severity, ASecondRecipientIsTriedSoonWhereOneHasFailedForLong) {
  World world({{"gateway"}});
  world["gateway"].took = 10s;
  world.memory.put("kari", "text", mild);
  world.memory.put("ola", "text", mild);
  world.start();
  world["gateway"].sayAll(deferred());
  world.quiet();
  EXPECT_EQ(world.road->dispatchers()[0].state(), keeper::State::resting);
  EXPECT_EQ(world.handedTo("gateway"), (Names{"kari", "ola"}));
  world["gateway"].took = 20ms;
  world["gateway"].sayAll(accepted());
  world.quiet();
  EXPECT_EQ(world.road->dispatchers()[0].state(), keeper::State::ready);
}

TEST(Severity, AmongEqualsWhatWasCertainlyNotSentGoesFirst) {
  World world({{"modem"}});
  world.memory.put("kari", "text", mild);
  world.start();
  for (int i = 0; i < 3; ++i) world["modem"].sayAll(unknown()), world.quiet();
  world.advance(29s);
  world.alert("ola", "text", mild);
  world.alert("anne", "text", mild);
  world.advance(1s);  // kari's next round
  world.answer("modem", accepted());
  auto names = world.handedTo("modem");
  EXPECT_EQ(Names(names.end() - 3, names.end()), (Names{"ola", "anne", "kari"}));
}

// It is in the queue already when the modem becomes free, but the queue has not answered yet.
TEST(Severity, TheOnlyPlaceOfAModemWaitsForALookAtTheHead) {
  World world({{"modem"}});
  put(world, "mild", 6, mild);
  world.start();
  world.memory.put("severe", "text", severe);
  world.memory.hold(Op::claim);
  world.road->notice();
  world.memory.waitUntilHeld();
  world["modem"].sayAll(accepted());
  world.turn();
  EXPECT_EQ(world["modem"].handed.size(), 1u);
  world.memory.release();
  world.quiet();
  ASSERT_EQ(world["modem"].handed.size(), 2u);
  EXPECT_EQ(world.handedTo("modem").back(), "severe");
}

// What is claimed and cannot be handed over would be given back, and claimed again.
TEST(Severity, IsLookedForNoFurtherThanTheLimitOfTheDayReachesWhileADispatcherRests) {
  World world({{.name = "gateway", .quota = {.perDay = 3, .reserve = 1, .reserveFor = 1}}});
  world["gateway"].took = 10s;
  put(world, "mild", 2, mild);
  world.start();
  for (int i = 0; i < 2; ++i) world["gateway"].sayAll(unknown()), world.quiet();
  ASSERT_EQ(world.road->dispatchers()[0].state(), keeper::State::resting);
  std::size_t before = world.memory.calls();
  world.alert("middle", "text", 3);
  EXPECT_LT(world.memory.calls(), before + 10);
  const std::size_t handed = world["gateway"].handed.size();
  world.alert("severe", "text", severe);
  ASSERT_EQ(world["gateway"].handed.size(), handed + 1) << "that is what the reserve is for";
  EXPECT_EQ(world.handedTo("gateway").back(), "severe");
  world["gateway"].sayAll(unknown());
  before = world.memory.calls();
  world.alert("severe, too", "text", severe);
  EXPECT_LT(world.memory.calls(), before + 10);
}

TEST(Severity, ATestSmsIsNoProbeBeforeAnAlert) {
  World world({{"modem"}});
  world.start();
  for (int i = 0; i < 3; ++i) world.alert("mild " + std::to_string(i), "text", mild);
  for (int i = 0; i < 3; ++i)
    world["modem"].sayAll({delivery::OutcomeKind::deferred, "cannot be reached", {}, delivery::Reached::no}),
        world.quiet();
  ASSERT_EQ(world.road->dispatchers()[0].state(), keeper::State::resting);
  world.memory.put("severe", "text", severe);
  world.memory.hold(Op::claim);
  world.advance(0ms);
  world.memory.release();
  world.advance(5s);
  EXPECT_EQ(world.handedTo("modem").back(), "severe");
}

TEST(Start, NobodyWaitsForADispatcherThatIsLessPreferredThanOneThatIsReady) {
  World world({{"gateway"}, {"modem"}});
  world["modem"].start = FakeDispatcher::Start::silent;
  world.memory.put("kari", "text");
  world.start();
  EXPECT_EQ(world.handedTo("gateway"), Names{"kari"});
}

TEST(Start, ThePreferredDispatcherIsWaitedForTheLessTheMoreSevereAnSmsIs) {
  World world({{"modem"}, {"gateway", 8}});
  world["modem"].start = FakeDispatcher::Start::silent;
  world.memory.put("none", "text");
  world.memory.put("three", "text", 3);
  world.memory.put("one", "text", 1);
  world.start();
  world.advance(1999ms);
  EXPECT_EQ(world.handedTo("gateway"), Names{});
  world.advance(1ms);
  EXPECT_EQ(world.handedTo("gateway"), Names{"one"});
  world.advance(3999ms);
  EXPECT_EQ(world.handedTo("gateway"), Names{"one"});
  world.advance(1ms);
  EXPECT_EQ(world.handedTo("gateway"), (Names{"one", "three"}));
  world.alert("later", "text", 1);
  EXPECT_EQ(world.handedTo("gateway"), (Names{"one", "three", "later"}));
  world.advance(20s);
  EXPECT_EQ(world["gateway"].handed.size(), 3u);
  world["modem"].ready();
  world.quiet();
  EXPECT_EQ(world.handedTo("modem"), Names{"none"});
}

}  // namespace
}  // namespace smsd::road
