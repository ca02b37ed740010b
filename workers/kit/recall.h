// What a worker remembers of its last attempts, so that a supervisor that was restarted can ask. Bounded; the
// oldest goes first.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

#include "workers/kit/dispatcher.h"

namespace smsd::kit {

class Recall {
 public:
  /// The contract (proto/dispatcher.capnp) asks for 10,000 at least.
  explicit Recall(std::size_t capacity = 10'000) : capacity_(capacity) {}

  /// No outcome: it was given back untouched.
  void remember(std::uint64_t attempt, std::optional<Outcome> outcome) {
    if (!outcomes_.insert_or_assign(attempt, std::move(outcome)).second) return;
    order_.push_back(attempt);
    if (order_.size() <= capacity_) return;
    outcomes_.erase(order_.front());
    order_.pop_front();
  }

  const std::optional<Outcome>* find(std::uint64_t attempt) const {
    auto found = outcomes_.find(attempt);
    return found == outcomes_.end() ? nullptr : &found->second;
  }

 private:
  std::size_t capacity_;
  std::unordered_map<std::uint64_t, std::optional<Outcome>> outcomes_;
  std::deque<std::uint64_t> order_;
};

}  // namespace smsd::kit
