// SPDX-License-Identifier: GPL-3.0-or-later
// How often a look at the depth of the queue is taken.
#include <gtest/gtest.h>

#include <vector>

#include "supervisor/control/paced-look.h"
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

TEST_F(GlanceTest, ThereAreTwentyASecondHoweverLittleTheyTake) {
  for (int i = 0; i < 500; ++i) EXPECT_TRUE(look());
  EXPECT_LE(memory_.depths(), 41U) << "two seconds are free";
  pass(1 * kj::SECONDS);
  const auto before = memory_.depths();
  for (int i = 0; i < 500; ++i) EXPECT_TRUE(look());
  EXPECT_GT(memory_.depths(), before);
  EXPECT_LE(memory_.depths(), before + 21);
}

TEST_F(GlanceTest, ALookThatComputesIsDearerThanOneThatWaits) {
  memory_.depthComputes(std::chrono::milliseconds(5));
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(look());
  EXPECT_LE(memory_.depths(), 3U) << "a second is paid for each, and two are free";
}

TEST(Glance, PaysForTheTimeOfTheThreadAndOfTheProcessor) {
  using std::chrono::milliseconds, std::chrono::microseconds;
  EXPECT_EQ(Glance::paidFor(milliseconds(10), milliseconds(0)), 200 * kj::MILLISECONDS);
  EXPECT_EQ(Glance::paidFor(milliseconds(10), milliseconds(4)), 800 * kj::MILLISECONDS);
  EXPECT_EQ(Glance::paidFor(microseconds(100), microseconds(100)), 50 * kj::MILLISECONDS);
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

TEST(PacedLook, IsReusedAHundredTimesAsLongAsItTookWithinBounds) {
  EXPECT_EQ(PacedLook::reusedFor(1 * kj::MILLISECONDS), 1 * kj::SECONDS);
  EXPECT_EQ(PacedLook::reusedFor(40 * kj::MILLISECONDS), 4 * kj::SECONDS);
  EXPECT_EQ(PacedLook::reusedFor(2 * kj::SECONDS), 10 * kj::SECONDS);
}

class PacedLookTest : public GlanceTest {
 protected:
  ~PacedLookTest() noexcept override = default;
  void ask() { EXPECT_TRUE(paced_.look().wait(io_.waitScope)); }
  /// Lets a second pass, and all that it began end.
  void second() {
    pass(1 * kj::SECONDS);
    io_.waitScope.poll();
    queue_.run([](queue::Queue&) { return 0; }).wait(io_.waitScope);
    io_.waitScope.poll();
  }

  PacedLook paced_{glance_, timer_};
};

TEST_F(PacedLookTest, LooksAheadWhileSomebodyAsksSoThatNoCallerWaits) {
  ask();
  EXPECT_EQ(memory_.depths(), 1U);
  for (unsigned seconds = 1; seconds <= 20; ++seconds) {
    second();
    EXPECT_EQ(memory_.depths(), 1 + seconds);
    ask();
    EXPECT_EQ(memory_.depths(), 1 + seconds) << "the last look serves";
  }
}

TEST_F(PacedLookTest, RestsWhenNobodyHasAskedForFiveMinutes) {
  ask();
  for (int seconds = 0; seconds < 310; ++seconds) second();
  const auto looks = memory_.depths();
  EXPECT_NEAR(looks, 300, 2);
  for (int seconds = 0; seconds < 10; ++seconds) second();
  EXPECT_EQ(memory_.depths(), looks);
  ask();
  EXPECT_EQ(memory_.depths(), looks + 1) << "the last look is too old";
}

}  // namespace
}  // namespace smsd::control
