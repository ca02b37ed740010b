// SPDX-License-Identifier: GPL-3.0-or-later
// The transactions of submitted alerts, over a queue that waits and fails as the test wants.
#include "supervisor/intake/batch.h"

#include <gtest/gtest.h>

#include "supervisor/intake/desk.h"
#include "tests/unit/supervisor/gated-queue.h"

namespace smsd::intake {
namespace {

using queue::QueueError;
using Kind = QueueError::Kind;

class BatchTest : public testing::Test {
 protected:
  ~BatchTest() noexcept override {}

  kj::Promise<Answer> submit(const std::string& text, const std::string& key = "1") {
    return batch_.submit({{.recipient = "+4711", .text = text, .caller = "one", .key = key}},
                         std::chrono::hours(1));
  }
  static std::string wordsOf(const Answer& answer) {
    if (const auto* error = std::get_if<QueueError>(&answer)) return error->what();
    std::string words;
    for (const auto& fate : std::get<queue::Submitted>(answer).fates)
      words += (words.empty() ? "" : " ") + std::to_string(fate.message);
    return words;
  }
  std::string wait(kj::Promise<Answer> answer) { return wordsOf(answer.wait(io_.waitScope)); }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  kj::TimerImpl timer_{kj::origin<kj::TimePoint>()};
  Gate gate_;
  queue::QueueThread queue_{[this]() { return std::make_unique<GatedQueue>(gate_); }, []() {}};
  std::string away_;
  int news_ = 0;
  Batch batch_{queue_, timer_, [this]() { return away_; }, [this]() { ++news_; }};
};

TEST_F(BatchTest, TheCallsThatComeMeanwhileShareTheNextTransaction) {
  gate_.close();
  auto first = submit("a", "1");
  gate_.waitUntilReached();
  auto second = submit("b", "2"), third = submit("c", "3");
  EXPECT_TRUE(batch_.busy());
  gate_.open();
  EXPECT_EQ(wait(kj::mv(first)), "1");
  EXPECT_EQ(wait(kj::mv(second)), "2");
  EXPECT_EQ(wait(kj::mv(third)), "3");
  EXPECT_EQ(gate_.transactions(), (std::vector<std::string>{"a", "b c"}));
  EXPECT_EQ(news_, 2);
  EXPECT_FALSE(batch_.busy());
}

TEST_F(BatchTest, ACallWhoseValueTheDatabaseRefusesHarmsNoOther) {
  gate_.failure = Kind::invalid;
  gate_.close();
  auto first = submit("a", "1");
  gate_.waitUntilReached();
  auto second = submit("b", "2"), bad = submit("bad", "3"), last = submit("c", "4");
  gate_.open();
  wait(kj::mv(first));
  EXPECT_EQ(wait(kj::mv(second)), "2");
  EXPECT_EQ(wait(kj::mv(bad)), "no");
  EXPECT_EQ(wait(kj::mv(last)), "4");
  EXPECT_EQ(gate_.transactions(), (std::vector<std::string>{"a", "b bad c", "b", "bad", "c"}));
}

TEST_F(BatchTest, AnErrorOfTheQueueIsTheAnswerOfAllItsCalls) {
  gate_.failure = Kind::unreachable;
  gate_.close();
  auto first = submit("a");
  gate_.waitUntilReached();
  auto second = submit("b"), bad = submit("bad");
  gate_.open();
  EXPECT_EQ(wait(kj::mv(first)), "1");
  EXPECT_EQ(wait(kj::mv(second)), "no");
  EXPECT_EQ(wait(kj::mv(bad)), "no");
  EXPECT_EQ(wait(submit("d", "9")), "9") << "and the next one is tried";
}

TEST_F(BatchTest, NothingIsTriedWhileTheDaemonIsWithoutItsQueue) {
  away_ = "no such host";
  EXPECT_EQ(wait(submit("a")), "the queue is away: no such host");
  EXPECT_TRUE(gate_.transactions().empty());
}

TEST_F(BatchTest, ACallThatWaitsTooLongIsAnsweredAndNeverBegun) {
  gate_.close();
  auto first = submit("a");
  gate_.waitUntilReached();
  auto second = submit("b");
  timer_.advanceTo(timer_.now() + 11 * kj::SECONDS);
  EXPECT_NE(wait(kj::mv(first)).find("it is not known whether the alerts are in it"), std::string::npos);
  EXPECT_NE(wait(kj::mv(second)).find("nothing was put into it"), std::string::npos);
  gate_.open();
  EXPECT_EQ(wait(submit("c", "5")), "5");
  EXPECT_EQ(gate_.transactions(), (std::vector<std::string>{"a", "c"}));
}

TEST_F(BatchTest, WhatWaitsHasABound) {
  gate_.close();
  auto first = submit("a");
  gate_.waitUntilReached();
  std::vector<kj::Promise<Answer>> others;
  const std::string large(1 << 20, 'x');
  for (int n = 0; n < 31; ++n) others.push_back(submit(large));
  EXPECT_NE(wait(submit(large)).find("too many alerts wait"), std::string::npos);
  gate_.open();
  EXPECT_EQ(wait(kj::mv(first)), "1");
  for (auto& other : others) EXPECT_EQ(wait(kj::mv(other)), "1");
  EXPECT_EQ(wait(submit("again", "2")), "2");
}

TEST(Caller, HasTheRoomOfAMinuteAtOnceAndThenItsRate) {
  Caller caller({.user = "one", .recipients = {}, .groups = {}, .severities = {}, .rate = 60});
  using Time = Caller::Time;
  const Time start = std::chrono::hours(1);
  for (int n = 0; n < 60; ++n) EXPECT_EQ(caller.spend(1, start), Time(0)) << n;
  const Time wait = caller.spend(1, start);
  EXPECT_GT(wait, Time(0));
  EXPECT_LE(wait, Time(std::chrono::seconds(2)));
  EXPECT_EQ(caller.spend(1, start + wait), Time(0));
  EXPECT_GT(caller.spend(1, start + wait), Time(0));
  caller.giveBack(10);
  EXPECT_EQ(caller.spend(5, start + wait + Time(1)), Time(0)) << "the queue was away";
}

}  // namespace
}  // namespace smsd::intake
