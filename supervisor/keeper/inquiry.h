// What became of attempts whose connection is gone: those that a predecessor had out, and those that were
// with a worker which lives on without us (socket activation). Pure: the keeper asks, and time comes in as an
// argument.
#pragma once

#include <chrono>
#include <unordered_map>
#include <utility>
#include <vector>

#include "supervisor/keeper/generation.h"

namespace smsd::keeper {

class Inquiry {
 public:
  using Time = std::chrono::milliseconds;  // since any fixed moment

  /// `begun`: whether it may have been touched. After `giveUpAt` nobody is asked any more.
  void add(queue::AttemptId attempt, Begun begun, Time giveUpAt) {
    open_.insert_or_assign(attempt, Open{begun, giveUpAt});
  }
  bool empty() const { return open_.empty(); }
  std::size_t size() const { return open_.size(); }

  std::vector<queue::AttemptId> open() const {
    std::vector<queue::AttemptId> attempts;
    for (const auto& [attempt, one] : open_) attempts.push_back(attempt);
    return attempts;
  }

  /// What a worker answered to `asked`. What is under way there stays open; what it does not know never will
  /// be.
  std::vector<AttemptOutcome> answered(const std::vector<queue::AttemptId>& asked,
                                       std::vector<Recalled> recalled) {
    std::vector<AttemptOutcome> outcomes;
    std::unordered_map<queue::AttemptId, Recalled*> known;
    for (auto& one : recalled) known.emplace(one.attempt, &one);
    for (auto attempt : asked) {
      auto found = known.find(attempt);
      if (found == known.end()) {
        close(attempt, "the worker does not know it", outcomes);
        continue;
      }
      Recalled& one = *found->second;
      KJ_IF_MAYBE (outcome, one.outcome) {
        if (open_.erase(attempt) > 0) outcomes.push_back({attempt, std::move(*outcome), one.begun});
      }
    }
    return outcomes;
  }

  /// Those whose time is over.
  std::vector<AttemptOutcome> expired(Time now) {
    std::vector<AttemptOutcome> outcomes;
    for (auto attempt : open())
      if (now >= open_[attempt].giveUpAt) close(attempt, "no worker could be asked in time", outcomes);
    return outcomes;
  }

  /// All of them: there is nobody to ask.
  std::vector<AttemptOutcome> giveUp(const std::string& reason) {
    std::vector<AttemptOutcome> outcomes;
    for (auto attempt : open()) close(attempt, reason, outcomes);
    return outcomes;
  }

 private:
  struct Open {
    Begun begun = Begun::yes;
    Time giveUpAt{0};
  };

  void close(queue::AttemptId attempt, const std::string& reason, std::vector<AttemptOutcome>& outcomes) {
    auto found = open_.find(attempt);
    if (found == open_.end()) return;
    Begun begun = found->second.begun;
    open_.erase(found);
    outcomes.push_back(
        {attempt, {begun == Begun::yes ? OutcomeKind::unknown : OutcomeKind::deferred, reason, {}}, begun});
  }

  std::unordered_map<queue::AttemptId, Open> open_;
};

}  // namespace smsd::keeper
