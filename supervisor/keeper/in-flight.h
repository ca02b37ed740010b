// SPDX-License-Identifier: GPL-3.0-or-later
// The SMS in flight with one worker, and which SMS may take the places that are left. Pure: time comes in as
// an argument.
//
// Owns, for each attempt with the worker: when it was handed over, its severity, its recipient, and whether
// it is a probe. Called by the keeper. A worker never learns how severe an SMS is and begins SMS in the order
// of their hand-over, so a severe SMS waits for those before it. While the gateway answers within a second
// that wait is short, and the worker may hold its whole window and backlog. Otherwise the worker gets no
// backlog, and the last places of a window larger than 1 are kept for an SMS that is more severe than the
// mildest in flight.
#pragma once

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "supervisor/queue/queue.h"

namespace smsd::keeper {

/// Severity as a number that sorts: no severity comes last.
inline int rankOf(const std::optional<int>& severity) { return severity.value_or(INT_MAX); }

/// The free places of a worker.
struct Places {
  std::size_t all = 0;     // for an SMS that is more severe than the mildest in flight
  std::size_t others = 0;  // for any other
  int mildest = INT_MIN;   // the rank of the mildest in flight

  std::size_t of(int rank) const { return rank < mildest ? all : others; }
  void take(int rank) {
    all -= std::min<std::size_t>(all, 1);
    others -= std::min<std::size_t>(others, 1);
    mildest = std::max(mildest, rank);
  }
};

class InFlight {
 public:
  using Time = std::chrono::milliseconds;  // since any fixed moment
  enum class Kind { usual, probe };

  struct One {
    Time since{0};
    int rank = INT_MAX;
    std::string recipient;
    Kind kind = Kind::usual;
  };

  /// An attempt that takes this long shows that the gateway is slow. The time runs from the hand-over while
  /// the attempt is in flight, and from its begin once it has ended.
  static constexpr Time quick = std::chrono::seconds(1);
  /// How many places of a window are kept for severe SMS while the gateway is slow.
  static constexpr std::size_t reserve(std::size_t window) {
    return window < 2 ? 0 : std::max<std::size_t>(1, window / 16);
  }

  void add(queue::AttemptId attempt, One one) {
    order_.emplace_back(one.since, attempt);
    ++ranks_[one.rank];
    probes_ += one.kind == Kind::probe ? 1 : 0;
    out_.insert_or_assign(attempt, std::move(one));
  }
  /// Removes and returns an attempt. None: it is not in flight here.
  std::optional<One> remove(queue::AttemptId attempt) {
    auto found = out_.extract(attempt);
    if (found.empty()) return std::nullopt;
    One one = std::move(found.mapped());
    auto rank = ranks_.find(one.rank);
    if (--rank->second == 0) ranks_.erase(rank);
    probes_ -= one.kind == Kind::probe ? 1 : 0;
    while (!order_.empty() && !out_.contains(order_.front().second)) order_.pop_front();
    return one;
  }
  void clear() { *this = InFlight(); }
  /// Records that an attempt ended `time` after its begin.
  void took(Time time) {
    if (time >= quick)
      quickInARow_ = 0;
    else if (quickInARow_ < SIZE_MAX)
      ++quickInARow_;
  }

  bool probing() const { return probes_ > 0; }
  bool isProbe(queue::AttemptId attempt) const {
    auto found = out_.find(attempt);
    return found != out_.end() && found->second.kind == Kind::probe;
  }
  /// True if an attempt took long recently, or takes long now. Only a whole `window` of quick attempts in a
  /// row ends this, because one quick answer proves little where others wait for a timeout.
  bool slow(std::size_t window, Time now) const {
    return quickInARow_ < window || (!order_.empty() && now - order_.front().first >= quick);
  }
  /// Returns the free places. `taken`: places in use in the worker.
  Places places(std::size_t window, std::size_t backlog, std::size_t taken, Time now) const {
    auto left = [taken](std::size_t of) { return of - std::min(of, taken); };
    Places places;
    if (!ranks_.empty()) places.mildest = ranks_.rbegin()->first;
    places.all = places.others = left(window + backlog);
    if (!slow(window, now)) return places;
    places.all = left(window);
    places.others = left(window - reserve(window));
    return places;
  }

 private:
  std::unordered_map<queue::AttemptId, One> out_;
  std::deque<std::pair<Time, queue::AttemptId>> order_;  // in order of hand-over; some have ended
  std::map<int, std::size_t> ranks_;                     // how many of each rank are in flight
  std::size_t probes_ = 0;
  std::size_t quickInARow_ = SIZE_MAX;
};

}  // namespace smsd::keeper
