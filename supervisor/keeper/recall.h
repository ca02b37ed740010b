// SPDX-License-Identifier: GPL-3.0-or-later
// Finds the outcomes of attempts whose connection is gone: those of an earlier smsd, and those with a worker
// that outlives its connection (socket activation). Pure: the keeper queries the worker, and time comes in as
// an argument.
#pragma once

#include <chrono>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "supervisor/keeper/generation.h"

namespace smsd::keeper {

class Inquiry {
 public:
  using Time = std::chrono::milliseconds;  // since any fixed moment

  /// `begun`: whether the worker may have touched it. After `giveUpAt` the attempt expires.
  void add(queue::AttemptId attempt, delivery::Begun begun, Time giveUpAt) {
    open_.insert_or_assign(attempt, Open{begun, giveUpAt});
  }
  /// Adds attempts that an earlier smsd had handed over.
  void addFormer(const std::vector<queue::AttemptId>& attempts, Time giveUpAt) {
    for (auto attempt : attempts) add(attempt, delivery::Begun::yes, giveUpAt);
    former_.insert(attempts.begin(), attempts.end());
  }
  /// Whether an attempt that was found is of an earlier smsd; forgets it.
  bool takeFormer(queue::AttemptId attempt) { return former_.erase(attempt) > 0; }
  bool empty() const { return open_.empty(); }
  std::size_t size() const { return open_.size(); }

  std::vector<queue::AttemptId> open() const {
    std::vector<queue::AttemptId> attempts;
    for (const auto& [attempt, one] : open_) attempts.push_back(attempt);
    return attempts;
  }

  /// Applies the answer of a worker to a query for `asked`. Attempts in progress there stay open. Attempts
  /// that the worker does not know are closed, because it will never know them.
  std::vector<delivery::AttemptOutcome> answered(const std::vector<queue::AttemptId>& asked,
                                                 std::vector<Recalled> recalled) {
    std::vector<delivery::AttemptOutcome> outcomes;
    std::unordered_map<queue::AttemptId, Recalled*> known;
    for (auto& one : recalled) known.emplace(one.attempt, &one);
    for (auto attempt : asked) {
      auto found = known.find(attempt);
      if (found == known.end()) {
        close(attempt, "the worker has no record of it", outcomes);
        continue;
      }
      Recalled& one = *found->second;
      KJ_IF_MAYBE (outcome, one.outcome) {
        if (open_.erase(attempt) > 0) outcomes.push_back({attempt, std::move(*outcome), one.begun});
      }
    }
    return outcomes;
  }

  /// Closes and returns the attempts whose time is over.
  std::vector<delivery::AttemptOutcome> expired(Time now) {
    std::vector<delivery::AttemptOutcome> outcomes;
    for (auto attempt : open())
      if (now >= open_[attempt].giveUpAt) close(attempt, "no worker could be queried in time", outcomes);
    return outcomes;
  }

  /// Closes and returns all attempts, because no worker can know them.
  std::vector<delivery::AttemptOutcome> giveUp(const std::string& reason) {
    std::vector<delivery::AttemptOutcome> outcomes;
    for (auto attempt : open()) close(attempt, reason, outcomes);
    return outcomes;
  }

 private:
  struct Open {
    delivery::Begun begun = delivery::Begun::yes;
    Time giveUpAt{0};
  };

  void close(queue::AttemptId attempt, const std::string& reason,
             std::vector<delivery::AttemptOutcome>& outcomes) {
    auto found = open_.find(attempt);
    if (found == open_.end()) return;
    delivery::Begun begun = found->second.begun;
    open_.erase(found);
    outcomes.push_back(
        {attempt,
         {begun == delivery::Begun::yes ? delivery::OutcomeKind::unknown : delivery::OutcomeKind::deferred,
          reason,
          {}},
         begun});
  }

  std::unordered_map<queue::AttemptId, Open> open_;
  std::unordered_set<queue::AttemptId> former_;
};

}  // namespace smsd::keeper
