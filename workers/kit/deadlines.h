// SPDX-License-Identifier: GPL-3.0-or-later
// The SMS under way in a worker and their deadlines. Pure: the caller passes the time and sets the timer.
//
// Owns each SMS from its begin to its outcome: the connection on which it was handed over, and when the kit
// stops waiting for the outcome. There is one timer for all deadlines, because hardly any deadline ever
// passes, and a timer for each would be the most expensive part of an SMS. Called by the server.
#pragma once

#include <kj/debug.h>
#include <kj/time.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace smsd::kit {

class Deadlines {
 public:
  /// A kind keeps the deadline itself (for example, as a time-out of the transfer). The kit waits this much
  /// longer before it gives up.
  static constexpr std::chrono::milliseconds grace{500};

  /// An SMS with this deadline was handed over, and may begin later.
  void handedOver(std::chrono::milliseconds deadline) { longest_ = std::max(longest_, deadline); }
  /// Returns an upper bound for the time from the begin of any SMS to its outcome.
  std::chrono::milliseconds longestEnd() const { return longest_ + grace; }

  /// Returns the time for which to set a timer, or none if the present timer rings early enough.
  kj::Maybe<kj::TimePoint> begin(std::uint64_t attempt, unsigned connection,
                                 std::chrono::milliseconds deadline, kj::TimePoint now) {
    const kj::TimePoint due = now + (deadline + grace).count() * kj::MILLISECONDS;
    underWay_.emplace(attempt, UnderWay{connection, due});
    return timerFor(due);
  }
  /// Returns the connection of an SMS that has its outcome now, or none if it is not under way.
  kj::Maybe<unsigned> end(std::uint64_t attempt) {
    auto found = underWay_.extract(attempt);
    if (found.empty()) return nullptr;
    return found.mapped().connection;
  }

  struct Passed {
    std::vector<std::uint64_t> overdue;  // these stay under way until end()
    kj::Maybe<kj::TimePoint> timer;      // for which to set a timer
  };
  /// Called when a timer rings that was set for `timer`. Finds nothing if an earlier one has replaced it.
  Passed rang(kj::TimePoint timer, kj::TimePoint now) {
    KJ_REQUIRE(now >= timer, "a timer rang before its time");
    Passed passed;
    KJ_IF_MAYBE (present, timer_) {
      if (*present != timer) return passed;
    } else {
      return passed;
    }
    timer_ = nullptr;
    kj::Maybe<kj::TimePoint> soonest;
    for (auto& [attempt, one] : underWay_) {
      if (one.due <= now)
        passed.overdue.push_back(attempt);
      else
        soonest = kj::min(soonest.orDefault(one.due), one.due);
    }
    KJ_IF_MAYBE (due, soonest) passed.timer = timerFor(*due);
    return passed;
  }

  bool contains(std::uint64_t attempt) const { return underWay_.contains(attempt); }
  std::size_t size() const { return underWay_.size(); }
  std::vector<std::uint64_t> attempts() const {
    std::vector<std::uint64_t> all;
    for (auto& [attempt, one] : underWay_) all.push_back(attempt);
    return all;
  }

 private:
  struct UnderWay {
    unsigned connection;
    kj::TimePoint due;
  };

  kj::Maybe<kj::TimePoint> timerFor(kj::TimePoint due) {
    KJ_IF_MAYBE (present, timer_) {
      if (*present <= due) return nullptr;
    }
    timer_ = due;
    return due;
  }

  std::unordered_map<std::uint64_t, UnderWay> underWay_;
  kj::Maybe<kj::TimePoint> timer_;  // the time of the present timer
  std::chrono::milliseconds longest_{0};
};

}  // namespace smsd::kit
