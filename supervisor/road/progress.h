// SPDX-License-Identifier: GPL-3.0-or-later
// The supervisor's watch over itself: does anything move while work is owed? Pure: time comes in as an
// argument.
//
// Called by the road, which reports each movement (a verdict, a claim) and whether it owes work: there are
// SMS in hand or messages to look for, the queue works, and a dispatcher is usable. If a road owes work and
// does not move for longer than all deadlines allow, it has a fault of its own or its keeper failed to stop a
// worker. The first remedy is to act, the second to restart smsd. This class decides neither.
#pragma once

#include <chrono>
#include <optional>

namespace smsd::road {

class Progress {
 public:
  using Time = std::chrono::milliseconds;  // since any fixed moment

  enum class Owed { nothing, something };
  enum class State {
    moving,  // or nothing is owed
    stuck,   // time to act
    lost,    // acting did not help
  };

  /// `patience`: longer than any operation may take that succeeds.
  explicit Progress(Time patience) : patience_(patience) {}

  void moved(Time now) {
    if (since_) since_ = now;
  }
  State look(Owed owed, Time now) {
    if (owed == Owed::nothing) since_.reset();
    if (owed == Owed::something && !since_) since_ = now;
    if (!since_ || now - *since_ < patience_) return State::moving;
    return now - *since_ < 2 * patience_ ? State::stuck : State::lost;
  }
  /// Returns when look() would return another state if nothing moved; none: never.
  std::optional<Time> changesAt(Time now) const {
    if (!since_ || now - *since_ >= 2 * patience_) return std::nullopt;
    return *since_ + (now - *since_ < patience_ ? 1 : 2) * patience_;
  }
  Time standing(Time now) const { return since_ ? now - *since_ : Time(0); }
  Time patience() const { return patience_; }

 private:
  Time patience_;
  std::optional<Time> since_;  // since when nothing has moved although something was owed
};

}  // namespace smsd::road
