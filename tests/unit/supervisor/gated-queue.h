// SPDX-License-Identifier: GPL-3.0-or-later
// A queue of submitted alerts that waits and fails as a test wants.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/queue/queue.h"

namespace smsd::intake {

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
  void note(const std::vector<queue::NewAlert>& alerts) {
    std::lock_guard lock(mutex_);
    auto& words = transactions_.emplace_back();
    for (const auto& alert : alerts) words += (words.empty() ? "" : " ") + alert.text;
  }
  std::vector<std::string> transactions() {
    std::lock_guard lock(mutex_);
    return transactions_;
  }
  std::optional<queue::QueueError::Kind> failure;           // of each transaction with the text "bad"
  std::map<std::string, queue::AlertFate::Result> results;  // by recipient; others are queued
  queue::Submitted::Offer offer = queue::Submitted::Offer::taken;

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
    if (gate_.offer != queue::Submitted::Offer::taken) return {gate_.offer, {}};
    queue::Submitted submitted{queue::Submitted::Offer::taken, {}};
    for (const auto& alert : alerts) {
      if (alert.text == "bad" && gate_.failure) throw queue::QueueError(*gate_.failure, "no");
      const auto told = gate_.results.find(alert.recipient);
      submitted.fates.push_back(
          {told == gate_.results.end() ? queue::AlertFate::Result::queued : told->second,
           std::stoll("0" + alert.key)});
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

}  // namespace smsd::intake
