// SPDX-License-Identifier: GPL-3.0-or-later
// A worker's memory of its last attempts, so that a restarted supervisor can recall() them. Bounded: the
// oldest attempt is dropped first.
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
  /// Empty when the SMS was given back without being begun.
  using LastWord = std::optional<Outcome>;

  /// `capacity` is in attempts. The contract (proto/dispatcher.capnp) requires at least 10,000.
  explicit Recall(std::size_t capacity = 10'000) : capacity_(capacity) {}

  void remember(std::uint64_t attempt, LastWord word) {
    words_.emplace_back(attempt, std::move(word));
    if (words_.size() > capacity_) words_.pop_front();
  }

  /// Returns those of `attempts` that are remembered; valid until the next remember(). Searches all of
  /// words_: every SMS is remembered but hardly any is ever recalled, so an index would cost more than it
  /// saves.
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
  std::deque<std::pair<std::uint64_t, LastWord>> words_;  // oldest first
};

}  // namespace smsd::kit
