// A dispatcher that may send only so many SMS a day, with some kept for the severe.
#include <gtest/gtest.h>

#include "tests/road/world.h"

namespace smsd {
namespace {

Way gateway(int perDay, int reserve) {
  return {.name = "gateway",
          .window = 8,
          .backlog = 8,
          .quota = {.perDay = perDay, .reserve = reserve, .reserveFor = 1}};
}

TEST(RoadQuota, SendsWhatIsAboveTheLimitTheNextWay) {
  World world({gateway(3, 1), {"modem", 8}});
  for (int i = 0; i < 6; ++i) world.memory.put("recipient " + std::to_string(i), "minor", 5);
  world.start();
  EXPECT_LE(world.handedTo("gateway").size(), 2u) << "what is under way counts";
  for (int i = 0; i < 10; ++i)
    for (auto name : {"gateway", "modem"}) world.answer(name, accepted());
  EXPECT_EQ(world.handedTo("gateway").size(), 2u);
  EXPECT_EQ(world.handedTo("modem").size(), 4u);
  EXPECT_EQ(world.memory.count(queue::SentStatus::sent), 6u);
  world.alert("on call", "the core router is down", 1);
  EXPECT_EQ(world.handedTo("gateway").size(), 3u) << "the reserve";
  world.answer("gateway", accepted());
  world.alert("on call 2", "the other one, too", 1);
  EXPECT_EQ(world.handedTo("gateway").size(), 3u);
  EXPECT_EQ(world.handedTo("modem").back(), "on call 2");
}

TEST(RoadQuota, KeepsWhatHasNoOtherWayWithoutBlamingItsRecipient) {
  Config config = quietConfig();
  config.retry.limit = 2;
  World world({gateway(2, 1)}, config);
  auto first = world.memory.put("kari", "minor", 5);
  auto second = world.memory.put("ola", "minor", 5);
  world.start();
  world.answer("gateway", accepted());
  EXPECT_EQ(world.sent(first), 'Y');
  for (int i = 0; i < 6; ++i) world.advance(std::chrono::hours(1));
  EXPECT_EQ(world.sent(second), 'N') << "six rounds, of which none was the recipient's";
  EXPECT_EQ(world.handedTo("gateway").size(), 1u);
  // More severe, to who waits: the reserve is for it, and what waits goes with it.
  world.alert("ola", "the core router is down", 1);
  world.answer("gateway", accepted());
  EXPECT_EQ(world.handedTo("gateway").size(), 2u);
  EXPECT_EQ(world.memory.count(queue::SentStatus::sent), 3u);
}

TEST(RoadQuota, CountsWhatMayCostAlone) {
  World world({gateway(2, 0), {"modem", 8}});
  for (int i = 0; i < 3; ++i) {
    world.alert("refused " + std::to_string(i), "x");
    if (i == 0) world.start();
    world.answer("gateway", {OutcomeKind::refused, "no such number", {}});
    world.answer("modem", accepted());
  }
  EXPECT_EQ(world.handedTo("gateway").size(), 3u);
  for (int i = 0; i < 3; ++i) {
    world.alert("good " + std::to_string(i), "x");
    world.answer("gateway", accepted());
    world.answer("modem", accepted());
  }
  EXPECT_EQ(world.handedTo("gateway").size(), 5u);
  EXPECT_EQ(world.handedTo("modem").back(), "good 2");
}

}  // namespace
}  // namespace smsd
