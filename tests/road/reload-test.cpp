// SPDX-License-Identifier: GPL-3.0-or-later
// A reload seen from the road: other dispatchers and other rules while SMS are under way.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/road/world.h"

namespace smsd::road {
namespace {

/// The configuration that names these dispatchers, in this order.
config::Config naming(const World& world, const std::vector<std::string>& names) {
  config::Config config = world.road->config();
  config.dispatchers.clear();
  for (auto& name : names) {
    config::DispatcherConfig entry;
    entry.name = name;
    config.dispatchers.push_back(entry);
  }
  return config;
}

/// Everything that is with it is begun, so that it does not come back untouched; then it goes.
void takeOut(World& world, const std::string& name, const std::vector<std::string>& left) {
  for (auto attempt : world[name].out()) world[name].begin(attempt);
  world.road->replace(naming(world, left), {});
  world.quiet();
}

TEST(Replace, AnotherOrderHoldsForTheNextSmsAndOldOutcomesFindTheirs) {
  World world({{"first", 1}, {"second", 1}});
  world.start();
  auto one = world.alert("+471", "one");
  EXPECT_EQ(world.handedTo("first"), (std::vector<std::string>{"+471"}));
  world.road->replace(naming(world, {"second", "first"}), {});
  world.quiet();
  auto two = world.alert("+472", "two");
  EXPECT_EQ(world.handedTo("second"), (std::vector<std::string>{"+472"}));
  // "first" refuses: what +471 has met there stays with "first", so "second" is the other.
  world.answer("second", accepted());
  world.answer("first", refused());
  EXPECT_EQ(world.handedTo("second"), (std::vector<std::string>{"+472", "+471"}));
  world.answer("second", accepted());
  EXPECT_EQ(world.sent(one), 'Y');
  EXPECT_EQ(world.sent(two), 'Y');
}

TEST(Replace, WhatIsOutWithOneThatGoesIsSettledByItsOwnOutcome) {
  World world({{"old", 2}, {"new", 2}});
  world.start();
  auto kept = world.alert("+471", "accepted by the old one");
  auto moved = world.alert("+472", "refused by the old one");
  takeOut(world, "old", {"new"});
  auto later = world.alert("+473", "never its business");
  EXPECT_EQ(world.handedTo("old").size(), 2u);
  auto out = world["old"].out();
  std::sort(out.begin(), out.end());
  world["old"].say(out[0], accepted());
  world.quiet();
  EXPECT_TRUE(world["old"].alive());  // it has one more to finish
  world["old"].say(out[1], refused());
  world.quiet();
  EXPECT_FALSE(world["old"].alive());
  world.answer("new", accepted());
  EXPECT_EQ(world.handedTo("new"), (std::vector<std::string>{"+473", "+472"}));
  for (auto id : {kept, moved, later}) EXPECT_EQ(world.sent(id), 'Y');
}

TEST(Replace, WhatOneThatGoesHasNotBegunGoesToAnother) {
  World world({{"old", 1, 1}, {"new", 2}});
  world.start();
  auto id = world.alert("+471", "text");
  EXPECT_EQ(world.handedTo("old"), (std::vector<std::string>{"+471"}));
  world.road->replace(naming(world, {"new"}), {});
  world.quiet();
  EXPECT_FALSE(world["old"].alive());
  EXPECT_EQ(world.handedTo("new"), (std::vector<std::string>{"+471"}));
  world.answer("new", accepted());
  EXPECT_EQ(world.sent(id), 'Y');
}

TEST(Replace, AllThatAreLeftHavingRefusedIsEnoughToIgnore) {
  World world({{"gone", 1}, {"left", 1}});
  world.start();
  auto id = world.alert("+471", "text");
  takeOut(world, "gone", {"left"});
  world["gone"].sayAll(refused());
  world.quiet();
  world.answer("left", refused());
  EXPECT_EQ(world.sent(id), 'I');
}

TEST(Replace, TheNewRulesHoldForTheNextClaim) {
  World world({{"way", 1}});
  world.start();
  config::Config config = naming(world, {"way"});
  config.formatting.maxParts = 3;
  config.retry.delay = 10min;
  config.retry.maxDelay = 10min;
  world.road->replace(config, {});
  world.quiet();
  world.alert("+471", std::string(400, 'x'));
  ASSERT_EQ(world["way"].handed.size(), 1u);
  EXPECT_EQ(world["way"].handed[0].sms.text.size(), 400u);
  world.answer("way", deferred());
  auto settled = world.memory.settled();
  ASSERT_EQ(settled.size(), 1u);
  EXPECT_EQ(settled[0].wait, Milliseconds(10min));
}

TEST(Replace, AStopWaitsForOneThatIsLeavingToo) {
  World world({{"old", 1}, {"new", 1}});
  world.start();
  auto id = world.alert("+471", "text");
  takeOut(world, "old", {"new"});
  auto stopped = world.road->stop();
  world.quiet();
  EXPECT_FALSE(stopped.poll(world.io.waitScope));
  world["old"].sayAll(accepted());
  world.quiet();
  ASSERT_TRUE(stopped.poll(world.io.waitScope));
  EXPECT_EQ(stopped.wait(world.io.waitScope), 0u);
  EXPECT_EQ(world.sent(id), 'Y');
}

}  // namespace
}  // namespace smsd::road
