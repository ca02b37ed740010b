// SPDX-License-Identifier: GPL-3.0-or-later
// How often a look at the depth of the queue is taken.
#include <gtest/gtest.h>

#include <vector>

#include "supervisor/control/queue-depth.h"
#include "tests/road/memory-queue.h"

namespace smsd::control {
namespace {

class GlanceTest : public testing::Test, private kj::TaskSet::ErrorHandler {
 protected:
  ~GlanceTest() noexcept override = default;

  bool look() { return glance_.look().wait(io_.waitScope).has_value(); }
  void pass(kj::Duration time) { timer_.advanceTo(timer_.now() + time); }
  void taskFailed(kj::Exception&&) override { ADD_FAILURE(); }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  kj::TimerImpl timer_{kj::origin<kj::TimePoint>()};
  queue::Memory memory_;
  queue::QueueThread queue_{[this]() { return queue::openMemory(memory_); }, []() {}};
  kj::TaskSet tasks_{*this};
  road::Figures figures_{timer_};
  Glance glance_{queue_, timer_, tasks_, figures_};
};

TEST_F(GlanceTest, OneLookServesAllThatComeAtOnce) {
  std::vector<kj::Promise<std::optional<QueueLook>>> atOnce;
  for (int i = 0; i < 100; ++i) atOnce.push_back(glance_.look());
  for (auto& one : atOnce) EXPECT_TRUE(one.wait(io_.waitScope));
  EXPECT_EQ(memory_.depths(), 1U);
}

TEST_F(GlanceTest, TheLastOneServesWhereLooksTookTheirShareOfTheTime) {
  const auto looksAgain = [this]() {
    const auto before = memory_.depths();
    EXPECT_TRUE(look());
    return memory_.depths() > before;
  };
  memory_.depthTakes(std::chrono::milliseconds(5));
  // The time of this test stands still, that of the looks does not: 100 ms of it are free.
  int looks = 0;
  while (looksAgain()) ASSERT_LE(++looks, 21);
  EXPECT_GT(looks, 0);
  EXPECT_FALSE(looksAgain());
  pass(15 * kj::SECONDS);
  EXPECT_TRUE(looksAgain());
}

TEST_F(GlanceTest, AnActOfAnOperatorMakesTheNextOneLookAgain) {
  memory_.depthTakes(std::chrono::milliseconds(110));
  EXPECT_TRUE(look());
  EXPECT_TRUE(look());
  EXPECT_EQ(memory_.depths(), 1U);
  glance_.forget();
  EXPECT_TRUE(look());
  EXPECT_TRUE(look());
  EXPECT_EQ(memory_.depths(), 2U);
}

}  // namespace
}  // namespace smsd::control
