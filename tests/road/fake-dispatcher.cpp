// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/road/fake-dispatcher.h"

#include <kj/debug.h>

#include <stdexcept>
#include <system_error>

namespace smsd::road {

using keeper::WorkerEvents;

class FakeDispatcher::Generation final : public keeper::Generation {
 public:
  Generation(FakeDispatcher& dispatcher, WorkerEvents& keeper) : dispatcher_(dispatcher), keeper_(keeper) {
    dispatcher_.current_ = this;
  }
  ~Generation() noexcept(false) override {
    if (dispatcher_.current_ == this) dispatcher_.current_ = nullptr;
  }

  int pid() const override { return static_cast<int>(dispatcher_.hired); }
  std::size_t out() const override { return out_.size(); }

  void dispatch(const std::vector<const queue::Submission*>& batch) override {
    for (auto* submission : batch) {
      if (dispatcher_.onDispatch) dispatcher_.onDispatch(*submission);
      dispatcher_.handed.push_back(*submission);
      out_.emplace(submission->attempt, delivery::Begun::no);
    }
    if (out_.size() > dispatcher_.traits.window + dispatcher_.traits.backlog)
      throw std::logic_error("more than window and backlog allow");
  }

  kj::Promise<std::vector<keeper::Recalled>> recall(const std::vector<queue::AttemptId>& attempts) override {
    ++dispatcher_.recalls;
    std::vector<keeper::Recalled> known;
    for (auto attempt : attempts) {
      auto found = dispatcher_.remembers.find(attempt);
      if (found == dispatcher_.remembers.end()) continue;
      auto& one = known.emplace_back();
      one.attempt = attempt;
      if (found->second) one.outcome = *found->second;
    }
    return kj::evalLater([known = std::move(known)]() mutable { return std::move(known); });
  }

  kj::Promise<keeper::HealthReport> health() override {
    ++dispatcher_.healths;
    if (dispatcher_.hung) return KJ_EXCEPTION(OVERLOADED, "no answer in time");
    auto said = dispatcher_.condition;
    return kj::evalLater([said]() { return said; });
  }

  kj::Promise<void> drain() override {
    ++dispatcher_.drains;
    if (dispatcher_.mute) return kj::NEVER_DONE;
    auto pair = kj::newPromiseAndFulfiller<void>();
    drained_ = kj::mv(pair.fulfiller);
    later_ = kj::evalLater([this]() { giveBackAll(); }).eagerlyEvaluate(nullptr);
    return kj::mv(pair.promise);
  }

  kj::Promise<void> quit() override {
    ++dispatcher_.quits;
    if (dispatcher_.old) keeper_.workerStays();
    auto drained = drain();
    if (dispatcher_.old) return drained;
    return drained.then([this]() -> kj::Promise<void> {
      quits_ = kj::evalLater([this]() { gone("the connection ended", false); }).eagerlyEvaluate(nullptr);
      return kj::NEVER_DONE;
    });
  }

  void end(const std::string& why) override {
    dispatcher_.ended.push_back(why);
    if (dispatcher_.deaf) return;
    later_ = kj::evalLater([this, why]() { gone(why, false); }).eagerlyEvaluate(nullptr);
  }

  void readySoon() {
    later_ = kj::evalLater([this]() { ready(); }).eagerlyEvaluate(nullptr);
  }
  void ready() {
    if (!gone_) keeper_.workerReady(dispatcher_.traits, dispatcher_.condition);
  }
  void begin(queue::AttemptId attempt) {
    out_.at(attempt) = delivery::Begun::yes;
    keeper_.workerBegan({attempt});
  }

  void say(std::vector<std::pair<queue::AttemptId, delivery::Outcome>> said) {
    std::vector<delivery::AttemptOutcome> outcomes;
    std::vector<queue::AttemptId> begun;
    for (auto& [attempt, outcome] : said) begun.push_back(attempt);
    keeper_.workerBegan(begun);
    for (auto& [attempt, outcome] : said) {
      if (out_.erase(attempt) == 0) throw std::logic_error("the test speaks of an attempt that is not out");
      outcomes.push_back({attempt, std::move(outcome), delivery::Begun::yes, dispatcher_.took});
    }
    keeper_.workerReported(std::move(outcomes));
    finishDrain();
  }

  void giveBack(const std::vector<queue::AttemptId>& attempts, const std::string& why) {
    std::vector<delivery::AttemptOutcome> outcomes;
    for (auto attempt : attempts) {
      if (out_.erase(attempt) == 0) throw std::logic_error("the test speaks of an attempt that is not out");
      outcomes.push_back({attempt, {delivery::OutcomeKind::deferred, why, {}}, delivery::Begun::no});
    }
    if (!outcomes.empty()) keeper_.workerReported(std::move(outcomes));
    finishDrain();
  }
  void decline(const std::vector<queue::AttemptId>& attempts) {
    keeper_.workerDeclined();
    giveBack(attempts, "the worker gave it back before it had begun it");
  }

  void gone(const std::string& why, bool breach) {
    if (std::exchange(gone_, true)) return;
    dispatcher_.current_ = nullptr;
    std::vector<delivery::AttemptOutcome> lost;
    for (auto& [attempt, begun] : out_) {
      delivery::OutcomeKind kind =
          begun == delivery::Begun::yes ? delivery::OutcomeKind::unknown : delivery::OutcomeKind::deferred;
      lost.push_back({attempt, {kind, "the worker is gone: " + why, {}}, begun});
    }
    out_.clear();
    keeper_.workerGone(why, std::move(lost), breach ? keeper::Conduct::breach : keeper::Conduct::proper);
  }

  WorkerEvents& keeper() { return keeper_; }

  std::map<queue::AttemptId, delivery::Begun> out_;

 private:
  /// As a real worker does when it is drained: what it has not begun comes back.
  void giveBackAll() {
    std::vector<queue::AttemptId> attempts;
    for (auto& [attempt, begun] : out_)
      if (begun == delivery::Begun::no) attempts.push_back(attempt);
    giveBack(attempts, "drained");
  }
  void finishDrain() {
    if (!out_.empty()) return;
    KJ_IF_MAYBE (fulfiller, drained_) fulfiller->get()->fulfill();
  }

  FakeDispatcher& dispatcher_;
  WorkerEvents& keeper_;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> drained_;
  kj::Promise<void> later_ = nullptr;
  kj::Promise<void> quits_ = nullptr;
  bool gone_ = false;
};

keeper::Hire FakeDispatcher::hire() {
  return [this](WorkerEvents& events) -> kj::Own<keeper::Generation> {
    if (start == Start::fails)
      throw std::system_error(ENOENT, std::generic_category(), "cannot start the worker");
    ++hired;
    auto generation = kj::heap<Generation>(*this, events);
    if (start == Start::ready) generation->readySoon();
    return generation;
  };
}

std::vector<queue::AttemptId> FakeDispatcher::out() const {
  std::vector<queue::AttemptId> result;
  if (current_ == nullptr) return result;
  for (auto& [attempt, begun] : current_->out_) result.push_back(attempt);
  return result;
}

keeper::WorkerEvents& FakeDispatcher::events() const { return current_->keeper(); }

void FakeDispatcher::ready() { current_->ready(); }
void FakeDispatcher::begin(queue::AttemptId attempt) { current_->begin(attempt); }
void FakeDispatcher::say(std::vector<std::pair<queue::AttemptId, delivery::Outcome>> outcomes) {
  current_->say(std::move(outcomes));
}
void FakeDispatcher::giveBack(const std::vector<queue::AttemptId>& attempts) { current_->decline(attempts); }
void FakeDispatcher::gone(const std::string& why, bool breach) { current_->gone(why, breach); }

void FakeDispatcher::sayAll(const delivery::Outcome& outcome) {
  std::vector<std::pair<queue::AttemptId, delivery::Outcome>> said;
  for (auto attempt : out()) said.emplace_back(attempt, outcome);
  if (!said.empty()) say(std::move(said));
}

}  // namespace smsd::road
