// SPDX-License-Identifier: GPL-3.0-or-later
// What was logged of a dispatcher, and when it is logged again. Pure: returns the entry, and the caller logs
// it.
//
// Owns the state at the last look, since when it is so, and which troubles were logged. Each change is logged
// once. A trouble is logged once until it is over, however often a new worker is tried meanwhile. After early
// deaths `ready` is logged only when the worker has proven itself. Called by the keeper.
#pragma once

#include <kj/debug.h>
#include <kj/time.h>

#include <utility>

#include "supervisor/keeper/dispatcher-state.h"

namespace smsd::keeper {

class Announcer {
 public:
  enum class Entry { none, ready, resting, broken };
  /// suspect: the last workers died early, and this one has not proven itself.
  enum class Reputation { trusted, suspect };

  explicit Announcer(kj::TimePoint now) : since_(now) {}

  void becomes(State state, kj::TimePoint now) {
    if (std::exchange(state_, state) != state) since_ = now;
  }
  kj::TimePoint since() const { return since_; }

  /// Returns the entry that the present state needs now. Called after becomes().
  Entry next(Trouble trouble, Reputation reputation) {
    switch (state_) {
      case State::ready:
        KJ_REQUIRE(trouble == Trouble::none, "a dispatcher in trouble is called ready", int(trouble));
        return reputation == Reputation::trusted && isNewsReady() ? Entry::ready : Entry::none;
      case State::resting:
      case State::broken:
        KJ_REQUIRE(trouble != Trouble::none, "a dispatcher is called resting without a trouble");
        if (!isNews(trouble)) return Entry::none;
        return state_ == State::resting ? Entry::resting : Entry::broken;
      case State::starting:
      case State::paused:
        break;
    }
    return Entry::none;
  }
  /// A pause has ended, which is logged. If the dispatcher is ready, that entry is enough for both.
  void resumed(State state) {
    if (state == State::ready) isNewsReady();
  }

  /// Returns whether to log the start of a worker now. That of a suspect worker waits for its proof.
  bool workerStarted(Reputation reputation) {
    unsaidWorker_ = reputation == Reputation::suspect;
    return !unsaidWorker_;
  }
  /// Returns whether to log the start of the present worker, because it has proven itself only now.
  bool workerProven() { return std::exchange(unsaidWorker_, false); }

 private:
  bool isNewsReady() {
    const bool first = !std::exchange(saidReady_, true);
    return std::exchange(saidTroubles_, 0U) != 0 || first;
  }
  bool isNews(Trouble trouble) {
    const unsigned bit = 1U << static_cast<unsigned>(trouble);
    const bool news = (saidTroubles_ & bit) == 0;
    saidTroubles_ |= bit;
    return news;
  }

  State state_ = State::starting;
  kj::TimePoint since_;
  bool saidReady_ = false;     // it was logged as ready
  unsigned saidTroubles_ = 0;  // troubles logged since: one bit each
  bool unsaidWorker_ = false;  // the start of the present worker is not logged yet
};

}  // namespace smsd::keeper
