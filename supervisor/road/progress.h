// The supervisor's watch over itself: does anything move while something is owed? Pure: time comes in as an
// argument.
//
// Called by the road, which says when something moved (a verdict, a claim) and whether it owes anything: SMS
// in hand or messages to look for, a queue that answers and a way out. A road that owes and stands still for
// longer than every deadline allows has a fault of its own, or a worker that slipped through its keeper's
// fingers. First that is a reason to act; when that did not help, to be started anew. Decides neither.
#pragma once

#include <chrono>
#include <optional>

namespace smsd {

class Progress {
 public:
  using Time = std::chrono::milliseconds;  // since any fixed moment

  enum class Owed { nothing, something };
  enum class State {
    moving,  // or nothing is owed
    stuck,   // act
    lost,    // and that did not help
  };

  /// `patience`: longer than anything may take that goes well.
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
  /// When look() would say something else if nothing moved; none: not at all.
  std::optional<Time> changesAt(Time now) const {
    if (!since_ || now - *since_ >= 2 * patience_) return std::nullopt;
    return *since_ + (now - *since_ < patience_ ? 1 : 2) * patience_;
  }
  Time standing(Time now) const { return since_ ? now - *since_ : Time(0); }
  Time patience() const { return patience_; }

 private:
  Time patience_;
  std::optional<Time> since_;  // nothing moved although something was owed
};

}  // namespace smsd
