// SPDX-License-Identifier: GPL-3.0-or-later
// Storm control on the road: when the SMS of a paced recipient leave, and the entries of the journal.
#include <gtest/gtest.h>

#include "tests/road/world.h"

namespace smsd::road {
namespace {

config::Config pacedConfig(int perHour = 20, config::Config config = quietConfig()) {
  config.pacing = {.window = 60s, .exempt = 1, .perHour = perHour};
  return config;
}

class PacedRoad : public testing::Test {
 protected:
  void begin(config::Config config = pacedConfig()) {
    world_ = std::make_unique<World>(std::vector<Way>{{"gateway", 8}}, std::move(config));
    world_->start();
    world_->quiet();
  }
  World& world() { return *world_; }
  format::MessageId alert(const std::string& text, std::optional<int> severity = 3) {
    const auto id = world().alert("kari", text, severity);
    world().quiet();
    world().answer("gateway", accepted());
    return id;
  }
  std::size_t settled() { return world().memory.settled().size(); }
  void pass(Milliseconds time) {
    world().advance(time);
    world().answer("gateway", accepted());
  }

 private:
  std::unique_ptr<World> world_;
};

TEST_F(PacedRoad, SendsTheFirstAtOnceAndTheOthersTogetherWhenTheWindowEnds) {
  begin();
  const auto first = alert("one");
  EXPECT_EQ(world().sent(first), 'Y');
  std::vector<format::MessageId> others;
  for (const char* text : {"two", "three"}) others.push_back(alert(text));
  pass(59s);
  EXPECT_EQ(settled(), 1u);
  pass(1s);
  EXPECT_EQ(settled(), 2u) << "without any news";
  for (const auto id : others) EXPECT_EQ(world().sent(id), 'Y');
  EXPECT_EQ(world().memory.settled().back().submission.sms.text, "1: two; 2: three");
}

TEST_F(PacedRoad, SendsAnExemptSeverityAtOnce) {
  begin();
  alert("one");
  alert("two");
  const auto critical = alert("critical", 1);
  EXPECT_EQ(world().sent(critical), 'Y');
  EXPECT_EQ(settled(), 2u);
  EXPECT_EQ(world().memory.settled().back().pacing, std::nullopt);
  alert("three");
  EXPECT_EQ(settled(), 2u);
  pass(60s);
  EXPECT_EQ(settled(), 3u);
}

TEST_F(PacedRoad, HasThreeSmsInAStormOfTwoMinutes) {
  begin();
  std::vector<format::MessageId> all;
  for (int i = 0; i < 480; ++i) {
    all.push_back(alert("alert " + std::to_string(i)));
    pass(250ms);
  }
  pass(60s);
  EXPECT_EQ(settled(), 3u);
  for (const auto id : all) EXPECT_NE(world().sent(id), 'N') << id;
}

TEST_F(PacedRoad, SaysInTheLastSmsOfAnHourThatItIsTheLast) {
  begin(pacedConfig(2));
  alert("one");
  pass(10min);
  alert("two");
  EXPECT_EQ(world().memory.settled().back().submission.sms.text, "two SMS limit reached, next in 50 min.");
  const auto third = alert("three");
  pass(49min);
  EXPECT_EQ(world().sent(third), 'N');
  EXPECT_EQ(world().story.count(
                "kari is paced: messages wait 50m for one SMS (the limit of pace.per_hour is reached)"),
            1u);
  pass(1min);
  EXPECT_EQ(world().sent(third), 'Y');
}

TEST_F(PacedRoad, NamesARecipientOnceAWindow) {
  begin();
  for (int window = 0; window < 3; ++window) {
    for (int i = 0; i < 10; ++i) alert("text");
    pass(60s);
  }
  EXPECT_EQ(world().story.count("kari is paced: messages wait 60s for one SMS (pace.window)") +
                world().story.count("kari is paced: messages wait 1m for one SMS (pace.window)"),
            3u);
}

TEST_F(PacedRoad, IsOffAtOnceAfterAReload) {
  begin();
  alert("one");
  const auto second = alert("two");
  EXPECT_EQ(world().sent(second), 'N');
  config::Config config = world().config;
  config.pacing.window = 0s;
  world().road->replace(config, {});
  world().quiet();
  world().answer("gateway", accepted());
  EXPECT_EQ(world().sent(second), 'Y');
  EXPECT_EQ(world().memory.settled().back().pacing, std::nullopt);
}

TEST_F(PacedRoad, IsOnAfterAReload) {
  begin(quietConfig());
  alert("one");
  EXPECT_EQ(settled(), 1u);
  world().road->replace(pacedConfig(20, world().config), {});
  alert("two");
  alert("three");
  EXPECT_EQ(settled(), 2u);
}

}  // namespace
}  // namespace smsd::road
