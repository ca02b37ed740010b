// SPDX-License-Identifier: GPL-3.0-or-later
// Whether smsd is healthy, and why not: what `smsctl status` and its exit status say.
#include <gtest/gtest.h>

#include "supervisor/control/findings.h"
#include "tests/road/world.h"

namespace smsd::road {
namespace {

std::optional<queue::Depth> depth(std::uint64_t unsent, std::uint64_t held = 0,
                                  std::optional<Milliseconds> late = {}) {
  queue::Depth depth;
  depth.unsent = unsent;
  depth.held = held;
  depth.late = late;
  return depth;
}

std::string troubles(World& world, const std::optional<queue::Depth>& of) {
  using Looked = control::Picture::Looked;
  std::optional<control::QueueLook> look;
  if (of) look = control::QueueLook{*of, {}};
  watchkeeping::Heartbeats heartbeats(*world.queue, world.timer, *world.road, world.log);
  std::string all;
  for (auto& one : control::findingsOf(control::pictureOf(*world.road, {.heartbeats = &heartbeats}, look,
                                                          of ? Looked::yes : Looked::inVain)))
    if (one.rank == control::Rank::unhealthy) all += (all.empty() ? "" : "; ") + one.what;
  return all;
}

TEST(Healthy, IsOneThatCanSendAndHasNothingThatWaitsTooLong) {
  World world({{"modem"}, {"gateway"}});
  world.start();
  EXPECT_EQ(troubles(world, depth(0)), "");
  EXPECT_EQ(troubles(world, depth(7, 0, 60s)), "") << "in its turn";
  EXPECT_EQ(troubles(world, depth(7, 0, 61s)), "a message waits for more than 1m");
  EXPECT_EQ(troubles(world, depth(7, 7)), "") << "held, and for an operator";
  EXPECT_EQ(troubles(world, std::nullopt), "the queue cannot be reached: it does not answer");
  for (auto& keeper : world.road->dispatchers()) keeper->pause();
  EXPECT_EQ(troubles(world, depth(0)), "no dispatcher can be used");
}

// The first failure opens no breaker: the dispatcher is ready, and the alert waits for its next round.
TEST(Healthy, IsNotWhileTheOnlyDispatcherFailsAndAnAlertWaits) {
  World world({{"modem"}});
  auto id = world.alert("kari", "router down", 1);
  world.start();
  world.answer("modem", deferred());
  EXPECT_EQ(world.sent(id), 'N');
  EXPECT_EQ(world.road->dispatchers()[0].state(), keeper::State::ready);
  EXPECT_EQ(troubles(world, depth(1)),
            "messages wait, and no dispatcher has answered the last SMS that it was given");
  EXPECT_EQ(troubles(world, depth(0)), "") << "nobody waits for it";
  world.advance(1h);
  world.answer("modem", accepted());
  EXPECT_EQ(world.sent(id), 'Y');
  EXPECT_EQ(troubles(world, depth(1)), "");
}

TEST(Healthy, IsWhileAnotherDispatcherAnswers) {
  World world({{"modem"}, {"gateway"}});
  world.alert("kari", "router down", 1);
  world.start();
  world.answer("modem", deferred());
  world.answer("gateway", accepted());
  EXPECT_TRUE(world.road->dispatchers()[0].doubtful());
  EXPECT_EQ(troubles(world, depth(1)), "");
}

TEST(Healthy, AMessageThatWasGivenUpLeavesWhenAndWhy) {
  config::Config config = quietConfig();
  config.retry.limit = 1;
  World world({{"modem"}}, config);
  world.start();
  EXPECT_TRUE(world.road->figures().lastIgnored() == nullptr);
  world.alert("kari", "router down", 1);
  world.answer("modem", refused("no such number"));
  world.advance(5s);
  auto last = KJ_ASSERT_NONNULL(world.road->figures().lastIgnored());
  EXPECT_EQ(last.ago, 5 * kj::SECONDS);
  EXPECT_NE(last.why.find("no such number"), std::string::npos) << last.why;
  EXPECT_EQ(world.road->figures().ignored(), 1u);
}

}  // namespace
}  // namespace smsd::road
