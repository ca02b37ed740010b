// SPDX-License-Identifier: GPL-3.0-or-later
// A dispatcher that may send only so many SMS a day, with some kept for the severe.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "tests/road/world.h"

namespace smsd::road {
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
  config::Config config = quietConfig();
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
    world.answer("gateway", {delivery::OutcomeKind::refused, "no such number", {}});
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

class RoadQuotaKept : public ::testing::Test {
 protected:
  ~RoadQuotaKept() override { std::filesystem::remove_all(folder_); }
  /// One life of smsd, in which so many alerts come.
  std::size_t handedInOneLife(int alerts, const delivery::Outcome& outcome = accepted()) {
    World world({gateway(3, 0), {"modem", 8}});
    world.road->dispatchers()[0].countIn(file_);
    world.start();
    for (int i = 0; i < alerts; ++i) {
      world.alert("recipient " + std::to_string(i), "x");
      world.answer("gateway", outcome);
      world.answer("modem", accepted());
    }
    warnings_ += world.story.count("today's count for per_day cannot be stored");
    return world.handedTo("gateway").size();
  }

  std::filesystem::path folder_ = [] {
    char name[] = "/tmp/smsd-quota-XXXXXX";
    return std::filesystem::path(mkdtemp(name));
  }();
  std::filesystem::path file_ = folder_ / "today-gateway";
  std::size_t warnings_ = 0;
};

TEST_F(RoadQuotaKept, GoesOnWithTheDayWhereTheLastLifeEnded) {
  EXPECT_EQ(handedInOneLife(1, {delivery::OutcomeKind::refused, "no such number", {}}), 1u);
  EXPECT_FALSE(std::filesystem::exists(file_)) << "nothing that may cost";
  EXPECT_EQ(handedInOneLife(2), 2u);
  EXPECT_EQ(handedInOneLife(2), 1u);
  EXPECT_EQ(handedInOneLife(2), 0u);
  EXPECT_EQ(warnings_, 0u);
}

// A disk that was full for a moment must not cost the count for as long as smsd lives.
TEST_F(RoadQuotaKept, IsWrittenAgainAsSoonAsThatIsPossible) {
  file_ = folder_ / "later" / "today-gateway";
  {
    World world({gateway(3, 0), {"modem", 8}});
    world.road->dispatchers()[0].countIn(file_);
    world.start();
    for (const char* recipient : {"1", "2"}) {
      world.alert(recipient, "x");
      world.answer("gateway", accepted());
      std::filesystem::create_directory(folder_ / "later");
    }
    EXPECT_EQ(world.story.count("today's count for per_day cannot be stored"), 1u);
  }
  EXPECT_EQ(handedInOneLife(4), 1u) << "two of three were used up";
}

TEST_F(RoadQuotaKept, SaysOnceThatItCannotBeKeptAndGoesOn) {
  file_ = folder_ / "no such folder" / "today-gateway";
  EXPECT_EQ(handedInOneLife(4), 3u);
  EXPECT_EQ(warnings_, 1u);
  file_ = folder_;
  EXPECT_EQ(handedInOneLife(4), 3u);
  EXPECT_EQ(warnings_, 2u);
}

}  // namespace
}  // namespace smsd::road
