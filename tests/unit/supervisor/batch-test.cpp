// SPDX-License-Identifier: GPL-3.0-or-later
// The transactions of submitted alerts, over a queue that waits and fails as the test wants.
#include "supervisor/intake/batch.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "supervisor/intake/desk.h"

namespace smsd::intake {
namespace {

using queue::QueueError;
using Kind = QueueError::Kind;

/// What the queue was given, and what it does with it.
class Gate {
 public:
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  void open() {
    std::lock_guard lock(mutex_);
    closed_ = false;
    changed_.notify_all();
  }
  void waitUntilReached() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return reached_; });
  }
  void pass() {
    std::unique_lock lock(mutex_);
    reached_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !closed_; });
    reached_ = false;
  }
  void note(const Alerts& alerts) {
    std::lock_guard lock(mutex_);
    auto& words = transactions_.emplace_back();
    for (const auto& alert : alerts) words += (words.empty() ? "" : " ") + alert.text;
  }
  std::vector<std::string> transactions() {
    std::lock_guard lock(mutex_);
    return transactions_;
  }
  std::optional<Kind> failure;  // of each transaction with the text "bad"

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false, reached_ = false;
  std::vector<std::string> transactions_;
};

class GatedQueue final : public queue::Queue {
 public:
  explicit GatedQueue(Gate& gate) : gate_(gate) {}

  queue::Submitted submit(const std::vector<queue::NewAlert>& alerts, queue::Duration) override {
    gate_.note(alerts);
    gate_.pass();
    queue::Submitted submitted{queue::Submitted::Offer::taken, {}};
    for (const auto& alert : alerts) {
      if (alert.text == "bad" && gate_.failure) throw QueueError(*gate_.failure, "no");
      submitted.fates.push_back({queue::AlertFate::Result::queued, std::stoll("0" + alert.key)});
    }
    return submitted;
  }

  queue::SupervisorId enlist(const std::string&, queue::Duration) override { return 1; }
  void renew() override {}
  std::vector<queue::Submission> takeOver() override { return {}; }
  void retire() override {}
  queue::ClaimResult claim(const queue::ClaimRequest&) override { return {}; }
  std::vector<queue::AttemptId> recordAttempts(const std::vector<queue::NextAttempt>&) override { return {}; }
  queue::SettleResult settle(const std::vector<queue::Settlement>&) override { return {}; }
  int newsFd() override { return -1; }
  bool takeNews() override { return false; }
  queue::Cancelled cancelAndList(queue::Duration, std::size_t) override { return {}; }
  std::vector<queue::StoredMessage> messages(queue::SentStatus, std::size_t) override { return {}; }
  std::vector<queue::StoredMessage> messagesOf(const std::string&, queue::SentStatus) override { return {}; }
  std::vector<std::string> recipients(queue::SentStatus) override { return {}; }
  std::vector<format::MessageId> insert(const std::vector<queue::NewMessage>&) override { return {}; }
  std::size_t setStatus(format::MessageId, queue::SentStatus, int) override { return 0; }
  std::vector<queue::HeldSms> held(std::size_t) override { return {}; }
  std::size_t release(queue::SubmissionId) override { return 0; }
  std::size_t discard(queue::SubmissionId) override { return 0; }
  queue::WaitsEnded endWaits(const queue::Whom&) override { return {}; }
  std::optional<queue::MessageLife> explain(format::MessageId, queue::Duration) override { return {}; }
  queue::Purge purge(queue::Duration, std::size_t) override { return queue::Purge::done; }
  queue::Depth depth(std::uint64_t) override { return {}; }

 private:
  Gate& gate_;
};

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
