// What a worker remembers of its last attempts, so that a supervisor that was restarted can ask. Bounded; the
// oldest goes first.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "workers/kit/dispatcher.h"

namespace smsd::kit {

class Recall {
 public:
  /// None: it was given back untouched.
  using LastWord = std::optional<Outcome>;

  /// The contract (proto/dispatcher.capnp) asks for 10,000 at least.
  explicit Recall(std::size_t capacity = 10'000) : capacity_(capacity) {}

  void remember(std::uint64_t attempt, LastWord word) {
    words_.emplace_back(attempt, std::move(word));
    if (words_.size() > capacity_) words_.pop_front();
  }

  /// What is known of `attempts`; good until the next is remembered. Each SMS is remembered, and hardly any
  /// is ever asked for: so they lie in the order of time, and all are looked through.
  std::unordered_map<std::uint64_t, const LastWord*> find(const std::vector<std::uint64_t>& attempts) const {
    std::unordered_map<std::uint64_t, const LastWord*> found;
    for (auto attempt : attempts) found.emplace(attempt, nullptr);
    for (auto& [attempt, word] : words_)
      if (auto asked = found.find(attempt); asked != found.end()) asked->second = &word;
    std::erase_if(found, [](auto& asked) { return asked.second == nullptr; });
    return found;
  }

 private:
  std::size_t capacity_;
  std::deque<std::pair<std::uint64_t, LastWord>> words_;  // the oldest first
};

}  // namespace smsd::kit
