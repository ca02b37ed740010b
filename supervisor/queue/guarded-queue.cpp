// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/queue/guarded-queue.h"

#include <fmt/format.h>

#include <utility>

#include "common/text/utf.h"

namespace smsd::queue {
namespace {

constexpr std::size_t mostOfAnError = 1000;

class GuardedCalls {
 public:
  explicit GuardedCalls(std::string name) : name_(std::move(name)) {}
  template <typename F>
  auto operator()(const char* function, F&& body) const {
    return guardedCall(name_, function, std::forward<F>(body));
  }

 private:
  const std::string name_;
};

/// Passes on each virtual function of Queue.
class GuardedQueue final : public Queue {
 public:
  GuardedQueue(std::unique_ptr<Queue> queue, std::string name)
      : queue_(std::move(queue)), call_(std::move(name)) {}

  SupervisorId enlist(const std::string& name, Duration lease) override {
    return call_("enlist", [&] { return queue_->enlist(name, lease); });
  }
  void renew() override {
    call_("renew", [&] { queue_->renew(); });
  }
  std::vector<Submission> takeOver() override {
    return call_("takeOver", [&] { return queue_->takeOver(); });
  }
  std::string strained() override {
    return call_("strained", [&] { return queue_->strained(); });
  }
  SchemaVersions schema() const override {
    return call_("schema", [&] { return queue_->schema(); });
  }
  std::string otherSettler() override {
    return call_("otherSettler", [&] { return queue_->otherSettler(); });
  }
  void retire() override {
    call_("retire", [&] { queue_->retire(); });
  }
  ClaimResult claim(const ClaimRequest& request) override {
    return call_("claim", [&] { return queue_->claim(request); });
  }
  std::vector<AttemptId> recordAttempts(const std::vector<NextAttempt>& next) override {
    return call_("recordAttempts", [&] { return queue_->recordAttempts(next); });
  }
  SettleResult settle(const std::vector<Settlement>& settlements) override {
    return call_("settle", [&] { return queue_->settle(settlements); });
  }
  bool paces() const override { return queue_->paces(); }
  int newsFd() override {
    return call_("newsFd", [&] { return queue_->newsFd(); });
  }
  bool takeNews() override {
    return call_("takeNews", [&] { return queue_->takeNews(); });
  }
  std::optional<Ring> ringBell() override {
    return call_("ringBell", [&] { return queue_->ringBell(); });
  }
  Cancelled cancelAndList(Duration minimumAge, std::size_t listed) override {
    return call_("cancelAndList", [&] { return queue_->cancelAndList(minimumAge, listed); });
  }
  std::vector<StoredMessage> messages(SentStatus status, std::size_t limit) override {
    return call_("messages", [&] { return queue_->messages(status, limit); });
  }
  std::vector<StoredMessage> messagesOf(const std::string& recipient, SentStatus status) override {
    return call_("messagesOf", [&] { return queue_->messagesOf(recipient, status); });
  }
  std::vector<StoredMessage> firstMessagesOf(const std::string& recipient, SentStatus status,
                                             std::size_t limit) override {
    return call_("firstMessagesOf", [&] { return queue_->firstMessagesOf(recipient, status, limit); });
  }
  std::vector<std::string> recipients(SentStatus status) override {
    return call_("recipients", [&] { return queue_->recipients(status); });
  }
  std::vector<format::MessageId> insert(const std::vector<NewMessage>& messages) override {
    return call_("insert", [&] { return queue_->insert(messages); });
  }
  std::size_t setStatus(format::MessageId id, SentStatus status, int smsid) override {
    return call_("setStatus", [&] { return queue_->setStatus(id, status, smsid); });
  }
  std::vector<HeldSms> held(std::size_t limit) override {
    return call_("held", [&] { return queue_->held(limit); });
  }
  std::size_t release(SubmissionId id) override {
    return call_("release", [&] { return queue_->release(id); });
  }
  std::size_t discard(SubmissionId id) override {
    return call_("discard", [&] { return queue_->discard(id); });
  }
  WaitsEnded endWaits(const Whom& whom) override {
    return call_("endWaits", [&] { return queue_->endWaits(whom); });
  }
  Cancelled cancelChosen(const Choice& choice, Cancel cancel, std::size_t listed) override {
    return call_("cancelChosen", [&] { return queue_->cancelChosen(choice, cancel, listed); });
  }
  bool cancelsInSteps() const override { return queue_->cancelsInSteps(); }
  std::vector<format::MessageId> cancellable(const Choice& choice, std::size_t most) override {
    return call_("cancellable", [&] { return queue_->cancellable(choice, most); });
  }
  Cancelled cancelThese(const std::vector<format::MessageId>& messages, std::size_t listed) override {
    return call_("cancelThese", [&] { return queue_->cancelThese(messages, listed); });
  }
  std::size_t endSomeWaits(std::size_t most) override {
    return call_("endSomeWaits", [&] { return queue_->endSomeWaits(most); });
  }
  Restored restore(format::MessageId id, std::optional<Duration> expireAfter) override {
    return call_("restore", [&] { return queue_->restore(id, expireAfter); });
  }
  std::optional<MessageLife> explain(format::MessageId id, Duration longestWait) override {
    return call_("explain", [&] { return queue_->explain(id, longestWait); });
  }
  HeartbeatsSeen lookAtHeartbeats(const HeartbeatLook& look) override {
    return call_("lookAtHeartbeats", [&] { return queue_->lookAtHeartbeats(look); });
  }
  bool beat(const std::string& name) override {
    return call_("beat", [&] { return queue_->beat(name); });
  }
  Submitted submit(const std::vector<NewAlert>& alerts, Duration dedupe) override {
    return call_("submit", [&] { return queue_->submit(alerts, dedupe); });
  }
  Purge purge(Duration age, std::size_t most) override {
    return call_("purge", [&] { return queue_->purge(age, most); });
  }
  Installation installation() override {
    return call_("installation", [&] { return queue_->installation(); });
  }
  Depth depth(std::uint64_t bound) override {
    return call_("depth", [&] { return queue_->depth(bound); });
  }
  std::vector<format::MessageId> stillIgnored(const std::vector<format::MessageId>& ids) override {
    return call_("stillIgnored", [&] { return queue_->stillIgnored(ids); });
  }
  std::optional<Duration> takeClockStep() override {
    return call_("takeClockStep", [&] { return queue_->takeClockStep(); });
  }
  void hangUp() override {
    call_("hangUp", [&] { queue_->hangUp(); });
  }

 private:
  const std::unique_ptr<Queue> queue_;
  const GuardedCalls call_;
};

}  // namespace

QueueError inOneLine(const QueueError& error) {
  return {error.kind(), text::printable(error.what(), mostOfAnError)};
}

QueueError faultOfObject(const std::string& name, const char* call, const std::string& fault) {
  return {QueueError::Kind::failed,
          text::printable(fmt::format("the queue {} has a fault in {}(): {}; report it to the author of "
                                      "smsd-queue-{}.so",
                                      name, call, fault, name),
                          mostOfAnError)};
}

std::unique_ptr<Queue> guarded(std::unique_ptr<Queue> queue, const std::string& name) {
  return std::make_unique<GuardedQueue>(std::move(queue), name);
}

}  // namespace smsd::queue
