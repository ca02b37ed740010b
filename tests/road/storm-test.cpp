// SPDX-License-Identifier: GPL-3.0-or-later
// Whatever happens, in whatever order: every message is accounted for. A property over many random lives of a
// supervisor.
//
// What holds at every step (nothing leaves before its attempt is durable, no attempt leaves twice, no worker
// gets more than it takes) is watched by World and FakeDispatcher; here it is what holds at the end.
#include <gtest/gtest.h>

#include <random>

#include "tests/road/world.h"

namespace smsd::road {
namespace {

using Kind = queue::QueueError::Kind;
using queue::Fate;
using queue::Op;
using queue::SentStatus;

class Storm {
 public:
  /// May another supervisor declare this one dead?
  enum class Rivals { none, some };

  Storm(unsigned seed, Rivals rivals)
      : random_(seed),
        rivals_(rivals),
        world({{"modem", pick(3) + 1, pick(3)},
               {"gateway", pick(8) + 1, pick(8), pick(2) == 0},
               {"other gateway", pick(8) + 1, 0, false,
                pick(2) == 0 ? config::Activation::socket : config::Activation::spawn}}) {}

  void rage(int steps) {
    world.start();
    for (int i = 0; i < steps; ++i) step();
  }
  /// Everything is well again, and time passes.
  void calm() {
    world.memory.back();
    for (int i = 0; i < 20; ++i) {
      world.advance(2min);
      world.road->notice();
      world.quiet();
      for (auto& name : names) world.answer(name, accepted());
    }
  }

 private:
  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }

  void step() {
    auto& dispatcher = world[names[pick(3)]];
    switch (pick(10)) {
      case 0:
      case 1:
        world.alert("recipient " + std::to_string(pick(12)), "text",
                    pick(3) == 0 ? std::nullopt : std::optional<int>(pick(5)));
        break;
      case 2:
      case 3:
      case 4:
        answerOne(dispatcher);
        break;
      case 5:
        for (auto attempt : dispatcher.out())
          if (pick(2) == 0) dispatcher.begin(attempt);
        break;
      case 6:
        if (dispatcher.alive() && pick(3) == 0) pick(4) == 0 ? dispatcher.breach() : dispatcher.die();
        break;
      case 7:
        pick(3) == 0 ? world.memory.away() : world.memory.back();
        break;
      case 8:
        failSomething();
        break;
      case 9:
        world.advance(Milliseconds(pick(40'000)));
        break;
    }
    if (pick(2) == 0) world.quiet();
  }

  void answerOne(FakeDispatcher& dispatcher) {
    auto out = dispatcher.out();
    if (out.empty()) return;
    const std::vector<delivery::Outcome> outcomes = {accepted(), accepted(),    accepted(), refused(),
                                                     deferred(), deferred(90s), broken(),   unknown()};
    dispatcher.say(out[pick(static_cast<unsigned>(out.size()))], outcomes[pick(8)]);
  }

  void failSomething() {
    const std::vector<Op> ops = {Op::renew,          Op::takeOver, Op::claim,
                                 Op::recordAttempts, Op::settle,   Op::enlist};
    const std::vector<Kind> kinds = {Kind::unreachable, Kind::denied, Kind::busy, Kind::failed};
    if (rivals_ == Rivals::some && pick(10) == 0)
      world.memory.fence();
    else
      world.memory.fail(ops[pick(6)], kinds[pick(4)]);
  }

  std::mt19937 random_;
  Rivals rivals_;

 public:
  const std::vector<std::string> names = {"modem", "gateway", "other gateway"};
  World world;
};

TEST(Storm, LeavesEveryMessageSentOrIgnoredForARecordedReasonAndNothingUnderWay) {
  for (unsigned seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Storm storm(seed, Storm::Rivals::some);
    storm.rage(300);
    storm.calm();
    World& world = storm.world;
    EXPECT_EQ(world.memory.count(SentStatus::unsent), 0u) << world.story.text();
    EXPECT_EQ(world.road->underWay(), 0u);
    EXPECT_FALSE(world.road->ledger().away());
    for (int i = 0; i < 12; ++i) EXPECT_FALSE(world.memory.live("recipient " + std::to_string(i)));
    for (auto& one : world.memory.settled()) EXPECT_TRUE(one.fate != Fate::ignored || !one.reason.empty());
    for (auto& dispatcher : world.dispatchers) EXPECT_TRUE(dispatcher->out().empty());
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Storm, CanBeStoppedAtAnyMomentAndSaysWhatIsLeft) {
  for (unsigned seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Storm storm(seed, Storm::Rivals::none);
    storm.rage(100 + static_cast<int>(seed));
    World& world = storm.world;
    world.memory.back();
    std::optional<std::size_t> left;
    auto done =
        world.road->stop().then([&left](std::size_t count) { left = count; }).eagerlyEvaluate(nullptr);
    world.advance(quietConfig().stopTimeout + 2s);
    ASSERT_TRUE(left.has_value());
    std::size_t live = 0;
    for (int i = 0; i < 12; ++i) live += world.memory.live("recipient " + std::to_string(i)) ? 1 : 0;
    EXPECT_EQ(*left, live) << "what is left is what the next run takes over";
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace smsd::road
