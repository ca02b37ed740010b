// SPDX-License-Identifier: GPL-3.0-or-later
// The arithmetic of a cancel in steps, and a cancel in steps for a program that may wait.
//
// One transaction that cancels 900,000 messages would lock the queue for seconds, and nothing would be sent
// meanwhile. So a cancel first reads what it chooses, and then cancels so many at a time; between two steps
// it leaves the queue alone for half as long as a step took. Each step is atomic. A message that is claimed
// meanwhile is left as it is, and one that arrives meanwhile is not chosen. Called by the daemon
// (control/act-steps.h), smsctl and smsd's one-shot options.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "supervisor/queue/queue.h"

namespace smsd::queue {

class CancelSteps {
 public:
  static constexpr std::size_t size = 2'000;       // messages of a step
  static constexpr std::size_t most = 1'000'000;   // messages of a cancel: 8 MB of ids
  static constexpr std::size_t alwaysListed = 20;  // for the journal
  static constexpr std::size_t mostWaits = 5'000;  // waits that one step ends

  static std::chrono::microseconds pauseAfter(std::chrono::microseconds step) { return step / 2; }

  CancelSteps(std::vector<format::MessageId> chosen, std::size_t listed)
      : chosen_(std::move(chosen)), listed_(std::max(listed, alwaysListed)) {}

  bool over() const { return at_ >= chosen_.size(); }
  std::size_t chosen() const { return chosen_.size(); }
  /// Returns the messages of the next step, and moves on.
  std::vector<format::MessageId> next() {
    const std::size_t end = std::min(at_ + size, chosen_.size());
    std::vector<format::MessageId> messages(chosen_.begin() + static_cast<std::ptrdiff_t>(at_),
                                            chosen_.begin() + static_cast<std::ptrdiff_t>(end));
    at_ = end;
    return messages;
  }
  /// How many messages the next step has to list.
  std::size_t toList() const { return listed_ - std::min(listed_, done_.messages.size()); }
  void did(Cancelled step) {
    done_.count += step.count;
    for (auto& message : step.messages) done_.messages.push_back(std::move(message));
  }
  const Cancelled& done() const { return done_; }
  Cancelled takeDone() { return std::move(done_); }

  /// Explains that a cancel ended before its end.
  std::string endedEarly(const std::string& why) const {
    return fmt::format("{} of {} messages were cancelled; then: {}; repeat the command for the others",
                       done_.count, chosen_.size(), why);
  }

 private:
  std::vector<format::MessageId> chosen_;
  std::size_t listed_;
  std::size_t at_ = 0;
  Cancelled done_;
};

/// Cancels what is chosen. `done` becomes what was cancelled, also after an error. Waits.
inline std::optional<QueueError> cancelInSteps(Queue& queue, const Choice& choice, std::size_t listed,
                                               Cancelled& done) {
  std::optional<CancelSteps> steps;
  try {
    if (!queue.cancelsInSteps()) {
      done = queue.cancelChosen(choice, Queue::Cancel::act, std::max(listed, CancelSteps::alwaysListed));
      return std::nullopt;
    }
    steps.emplace(queue.cancellable(choice, CancelSteps::most), listed);
    while (!steps->over()) {
      const auto begun = std::chrono::steady_clock::now();
      steps->did(queue.cancelThese(steps->next(), steps->toList()));
      if (!steps->over())
        std::this_thread::sleep_for(CancelSteps::pauseAfter(
            std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun)));
    }
  } catch (const QueueError& error) {
    if (!steps || steps->done().count == 0) return error;
    QueueError why(error.kind(), steps->endedEarly(error.what()));
    done = steps->takeDone();
    return why;
  }
  done = steps->takeDone();
  return std::nullopt;
}

/// Ends all waits in steps. Returns their number.
inline std::size_t endAllWaitsInSteps(Queue& queue) {
  std::size_t all = 0;
  for (;;) {
    const std::size_t ended = queue.endSomeWaits(CancelSteps::mostWaits);
    all += ended;
    if (ended != CancelSteps::mostWaits) return all;
  }
}

}  // namespace smsd::queue
