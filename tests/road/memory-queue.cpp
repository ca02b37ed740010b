// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/road/memory-queue.h"

#include <time.h>

#include <thread>
#include <utility>

namespace smsd::queue {

namespace {

std::chrono::nanoseconds processorTime() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

/// One connection.
class MemoryQueue final : public Queue {
 public:
  explicit MemoryQueue(Memory& memory) : memory_(memory) {}

  SupervisorId enlist(const std::string&, Duration) override {
    auto lock = enter(Op::enlist, 0);
    for (auto& [id, alive] : memory_.alive_) alive = memory_.rivals_.contains(id);
    me_ = static_cast<SupervisorId>(memory_.alive_.size()) + 1;
    memory_.alive_.emplace(me_, true);
    return me_;
  }
  void renew() override { auto lock = enter(Op::renew, me_); }
  std::vector<Submission> takeOver() override {
    auto lock = enter(Op::takeOver, me_);
    std::vector<Submission> result;
    for (auto& [id, kept] : memory_.submissions_) {
      if (!kept.live || memory_.alive_.at(kept.owner)) continue;
      kept.owner = me_;
      memory_.submitted(result, kept.submission);
    }
    return result;
  }
  std::string otherSettler() override {
    Memory::Lock lock(memory_.mutex_);
    return memory_.otherSettler_;
  }
  void retire() override {
    auto lock = enter(Op::retire, me_);
    memory_.alive_[me_] = false;
  }

  ClaimResult claim(const ClaimRequest& request) override {
    stay(Op::claim);
    return memory_.claim(request, me_);
  }
  std::vector<AttemptId> recordAttempts(const std::vector<NextAttempt>& next) override {
    stay(Op::recordAttempts);
    return memory_.record(next, me_);
  }
  SettleResult settle(const std::vector<Settlement>& settlements) override {
    stay(Op::settle);
    return memory_.settle(settlements, me_);
  }

  bool paces() const override { return true; }

  int newsFd() override { return -1; }
  bool takeNews() override { return false; }
  std::optional<Ring> ringBell() override { return memory_.ringBell(); }

  Cancelled cancelAndList(Duration, std::size_t) override { notForTheRoad(); }
  std::vector<StoredMessage> messages(SentStatus, std::size_t) override { notForTheRoad(); }
  std::vector<StoredMessage> messagesOf(const std::string&, SentStatus) override { notForTheRoad(); }
  std::vector<std::string> recipients(SentStatus) override { notForTheRoad(); }
  std::vector<format::MessageId> insert(const std::vector<NewMessage>&) override { notForTheRoad(); }
  std::size_t setStatus(format::MessageId, SentStatus, int) override { notForTheRoad(); }
  std::vector<HeldSms> held(std::size_t) override { notForTheRoad(); }
  std::size_t release(SubmissionId) override { notForTheRoad(); }
  std::size_t discard(SubmissionId) override { notForTheRoad(); }
  WaitsEnded endWaits(const Whom&) override { notForTheRoad(); }
  std::optional<MessageLife> explain(format::MessageId, Duration) override { notForTheRoad(); }
  Purge purge(Duration age, std::size_t most) override {
    stay(Op::purge);
    return memory_.purge(age, most, me_);
  }
  Depth depth(std::uint64_t) override {
    Memory::Lock lock(memory_.mutex_);
    ++memory_.depths_;
    std::this_thread::sleep_for(memory_.depthTakes_);
    for (const auto end = processorTime() + memory_.depthComputes_; processorTime() < end;) continue;
    return {};
  }

  std::optional<Duration> takeClockStep() override {
    Memory::Lock lock(memory_.mutex_);
    return std::exchange(memory_.step_, std::nullopt);
  }
  void hangUp() override {
    Memory::Lock lock(memory_.mutex_);
    ++memory_.cuts_;
    if (memory_.whenCut_ != Memory::Cut::helps || !memory_.held_) return;
    memory_.held_ = false;
    memory_.broken_ = true;
    memory_.changed_.notify_all();
  }

 private:
  [[noreturn]] static void notForTheRoad() {
    throw QueueError(QueueError::Kind::invalid, "not for the road");
  }

  Memory::Lock enter(Op op, SupervisorId me) {
    stay(op);
    Memory::Lock lock(memory_.mutex_);
    memory_.enter(op, me);
    return lock;
  }
  void stay(Op op) {
    Memory::Lock lock(memory_.mutex_);
    if (memory_.holdNext_ != op) return;
    memory_.holdNext_.reset();
    memory_.held_ = true;
    memory_.changed_.notify_all();
    memory_.changed_.wait(lock, [this] { return !memory_.held_; });
    const bool broken = memory_.broken_;
    memory_.broken_ = false;
    if (broken) throw QueueError(QueueError::Kind::unreachable, "the connection was lost");
  }

  Memory& memory_;
  SupervisorId me_ = 0;
};

std::unique_ptr<Queue> openMemory(Memory& memory) { return std::make_unique<MemoryQueue>(memory); }

}  // namespace smsd::queue
