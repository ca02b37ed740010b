// SPDX-License-Identifier: GPL-3.0-or-later
// The SMS in flight with one worker, and which SMS may take the places that are left. Pure: time comes in as
// an argument.
//
// Owns, for each attempt with the worker: when it was handed over, whether it was begun, its severity, its
// recipient, and whether it is a probe. Called by the keeper. A worker never learns how severe an SMS is and
// begins SMS in the order of their hand-over, so a severe SMS waits for those before it. While the gateway
// answers within a second that wait is short, and the worker may hold its whole window and backlog. Otherwise
// the worker gets no backlog, and the last places of a window larger than 1 are kept for an SMS that is more
// severe than the mildest in flight. However fast the gateway is, a worker holds no more unbegun SMS than its
// recent begins justify (begin-rate.h).
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

#include "supervisor/delivery/outcome.h"
#include "supervisor/keeper/begin-rate.h"
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
    delivery::Begun begun = delivery::Begun::no;
  };

  /// An attempt that takes this long shows that the gateway is slow. The time runs from the hand-over while
  /// the attempt is in flight, and from its begin once it has ended.
  static constexpr Time quick = std::chrono::seconds(1);
  /// A worker that has room and begins nothing for this long stalls: its dispatcher is passed over.
  static constexpr Time patience = std::chrono::seconds(3);
  /// How many places of a window are kept for severe SMS while the gateway is slow.
  static constexpr std::size_t reserve(std::size_t window) {
    return window < 2 ? 0 : std::max<std::size_t>(1, window / 16);
  }

  void add(queue::AttemptId attempt, One one) {
    order_.emplace_back(one.since, attempt);
    unbegun_.emplace_back(one.since, attempt);
    ++ranks_[one.rank];
    probes_ += one.kind == Kind::probe ? 1 : 0;
    out_.insert_or_assign(attempt, std::move(one));
  }
  /// The worker has begun the attempt.
  void begin(queue::AttemptId attempt, Time now) {
    auto found = out_.find(attempt);
    if (found == out_.end() ||
        std::exchange(found->second.begun, delivery::Begun::yes) == delivery::Begun::yes)
      return;
    ++begun_;
    rate_.begun(now);
    forgetBegun();
  }
  /// Removes and returns an attempt. None: it is not in flight here. `window`: that of the worker.
  std::optional<One> remove(queue::AttemptId attempt, std::size_t window, Time now) {
    auto found = out_.extract(attempt);
    if (found.empty()) return std::nullopt;
    One one = std::move(found.mapped());
    auto rank = ranks_.find(one.rank);
    if (--rank->second == 0) ranks_.erase(rank);
    probes_ -= one.kind == Kind::probe ? 1 : 0;
    while (!order_.empty() && !out_.contains(order_.front().second)) order_.pop_front();
    if (one.begun == delivery::Begun::yes && begun_-- >= window) roomSince_ = now;
    forgetBegun();
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
  /// How many attempts the worker holds and has not begun.
  std::size_t unbegun() const { return out_.size() - begun_; }
  /// How many more attempts the worker may hold unbegun.
  std::size_t ahead(Time now) const {
    const std::size_t allowed = rate_.allowed(now);
    return allowed - std::min(allowed, unbegun());
  }
  /// Returns how long the worker has not begun its oldest attempt although its `window` has room. `spacing`:
  /// the least time between two begins of the worker.
  Time unbegunFor(std::size_t window, Time spacing, Time now) const {
    if (unbegun_.empty() || begun_ >= window) return Time(0);
    Time since = std::max(unbegun_.front().first, roomSince_);
    if (spacing > Time(0)) since = std::max(since, rate_.last()) + spacing;
    return std::max(now - since, Time(0));
  }
  /// Returns whether the worker keeps SMS unbegun for so long that an SMS of this rank goes to another
  /// dispatcher, if there is one.
  bool stalls(int rank, Time unbegunFor) const {
    const bool isMoreSevere = !ranks_.empty() && rank < ranks_.rbegin()->first;
    return unbegunFor >= (isMoreSevere ? quick : patience);
  }
  /// Returns the free places. `taken`: places in use in the worker.
  Places places(std::size_t window, std::size_t backlog, std::size_t taken, Time now) const {
    auto left = [taken](std::size_t of) { return of - std::min(of, taken); };
    Places places;
    if (!ranks_.empty()) places.mildest = ranks_.rbegin()->first;
    places.all = places.others = left(window + backlog);
    if (slow(window, now)) {
      places.all = left(window);
      places.others = left(window - reserve(window));
    }
    places.all = std::min(places.all, ahead(now));
    places.others = std::min(places.others, ahead(now));
    return places;
  }

 private:
  void forgetBegun() {
    auto isUnbegun = [this](queue::AttemptId attempt) {
      auto found = out_.find(attempt);
      return found != out_.end() && found->second.begun == delivery::Begun::no;
    };
    while (!unbegun_.empty() && !isUnbegun(unbegun_.front().second)) unbegun_.pop_front();
  }

  std::unordered_map<queue::AttemptId, One> out_;
  std::deque<std::pair<Time, queue::AttemptId>> order_;    // in order of hand-over; some have ended
  std::deque<std::pair<Time, queue::AttemptId>> unbegun_;  // as order_; some have been begun
  std::map<int, std::size_t> ranks_;                       // how many of each rank are in flight
  std::size_t probes_ = 0;
  std::size_t quickInARow_ = SIZE_MAX;
  std::size_t begun_ = 0;  // of those in flight
  Time roomSince_{0};      // when an attempt ended last in a full window
  BeginRate rate_;
};

}  // namespace smsd::keeper
