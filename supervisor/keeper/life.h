// A worker's life as a table: what happens in which phase, what follows from it, and what is to be done.
//
// Owns the phase, the number of the generation and the throttle: a worker that dies before it ever served
// would do so again, and each time it waits longer; one that had served is replaced at once. Called by the
// keeper, which carries out the actions. Pure: no process, no clock, no promise. A word of a generation that
// is gone is nothing.
#pragma once

#include <chrono>

#include "supervisor/keeper/backoff.h"

namespace smsd::keeper {

class Life {
 public:
  enum class Phase {
    off,        // before the start
    waiting,    // no worker; the next one starts when the wait is over
    starting,   // it is there, and has not said that it is ready
    fresh,      // ready, and has not served yet
    proven,     // has served, or was well for a while
    retiring,   // gives way to a fresh one: nothing further is handed over, what it has begun finishes
    reopening,  // no worker: the socket of the last one is not open again yet
    ending,     // was told to end; a fresh one follows at once
    failing,    // was told to end; a fresh one follows after a wait
    leaving,    // the daemon stops, and this is the last one
    over,       // the daemon stops, and there is none
  };
  static constexpr int phases = 11;

  enum class Event {
    start,        // of the daemon, or the wait is over
    cannotStart,  // no process, or nobody listens at its socket
    ready,
    served,   // it gave an outcome, or was well for a while
    hung,     // it did not answer
    gone,     // the process ended, or the connection
    shutOut,  // the connection, before it was answered, while the last worker's process was still ending
    breach,   // so, and it had broken the contract
    restart,  // the operator's
    drained,  // nothing is out with it any more, or it took too long
    letGo,    // what it holds is not ours any more
    stop,     // the daemon stops
    end,      // and has waited long enough
  };
  static constexpr int events = 13;

  enum class Action {
    none,
    hire,
    retry,  // only in the table: hire at once the first time, rest from then on
    rest,   // start() again after wait()
    again,  // start() again in a moment
    welcome,
    drain,
    end,  // the worker
  };

  struct Step {
    Phase next;
    Action action;
    bool operator==(const Step&) const = default;
  };
  /// The table.
  static Step step(Phase phase, Event event);

  /// What the keeper, the operator or the daemon does.
  Action happens(Event event);
  /// What a worker does or says.
  Action said(unsigned generation, Event event) {
    return generation == generation_ ? happens(event) : Action::none;
  }

  Phase phase() const { return phase_; }
  /// Of the worker that is there, or was last: 1 for the first.
  unsigned generation() const { return generation_; }
  /// With Action::rest.
  std::chrono::milliseconds wait() const { return throttling.after(earlyDeaths_); }
  /// The last ones died early, and none has proven itself since.
  bool suspect() const { return earlyDeaths_ > 0; }

 private:
  static constexpr Backoff throttling{std::chrono::seconds(1), 2, std::chrono::seconds(60)};

  void forgive() {
    earlyDeaths_ = 0;
    pardoned_ = false;
  }

  Phase phase_ = Phase::off;
  unsigned generation_ = 0;
  int earlyDeaths_ = 0;    // in a row
  bool pardoned_ = false;  // one that was ready died: anybody's accident, the first time
};

}  // namespace smsd::keeper
