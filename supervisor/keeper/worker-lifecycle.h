// SPDX-License-Identifier: GPL-3.0-or-later
// A worker's life as a table: for each phase and event, the next phase and the action to take.
//
// Owns the phase, the number of the generation and the throttle: a worker that dies before it ever served
// would do so again, so the wait before the next one grows; a worker that had served is replaced at once.
// Also owns what is known of the present worker besides the phase. Called by the keeper, which carries out
// the actions. Pure: no process, no clock, no promise. Events of a generation that is gone are ignored; an
// event that needs a worker while there is none is an error of ours.
#pragma once

#include <chrono>
#include <utility>

#include "supervisor/delivery/backoff.h"

namespace smsd::keeper {

class Life {
 public:
  enum class Phase {
    off,        // before the start
    waiting,    // no worker; the next one starts when the wait is over
    starting,   // the worker exists and is not ready yet
    fresh,      // ready, and has not served yet
    proven,     // has served, or was well for a while
    retiring,   // a fresh worker will replace it: gets no further SMS, finishes those it has begun
    reopening,  // no worker: the last one's socket does not accept connections again yet
    ending,     // being ended; a fresh worker follows at once
    failing,    // being ended; a fresh worker follows after a wait
    leaving,    // smsd stops or drops the dispatcher; no worker follows this one
    over,       // smsd stops or drops the dispatcher; there is no worker any more
  };
  static constexpr int phases = 11;

  enum class Event {
    start,        // smsd starts, or the wait is over
    cannotStart,  // no process could be started, or none listens on its socket
    ready,
    served,   // it reported an outcome, or was well for a while
    hung,     // it did not answer
    gone,     // its process or its connection ended
    shutOut,  // its connection ended unanswered while the last worker's process was still ending
    breach,   // as gone, and it had broken the contract
    restart,  // by the operator or a reload
    drained,  // no SMS is in flight with it any more, or draining took too long
    letGo,    // it must not keep its SMS: another supervisor's, or past every deadline
    stop,     // smsd stops, or drops the dispatcher
    end,      // smsd stops, and has waited long enough
  };
  static constexpr int events = 13;

  enum class Action {
    none,
    hire,
    retry,  // only in the table: `hire` the first time, `rest` from then on
    rest,   // start again after wait()
    again,  // start again in a moment
    welcome,
    drain,
    end,  // the worker
  };

  /// How far the present worker can be used.
  enum class Standing {
    absent,   // there is none, and the next one waits for its start, or none follows
    coming,   // one is starting or follows at once, or the present one takes no more
    working,  // ready, and takes SMS
    leaving,  // ready, finishes its SMS, and no worker follows
  };

  struct Step {
    Phase next;
    Action action;
    bool operator==(const Step&) const = default;
  };
  /// Returns the table's entry.
  static Step step(Phase phase, Event event);

  /// Applies an event that the keeper, the operator or the daemon caused.
  Action happens(Event event);
  /// Applies an event that a worker caused; Action::none if `generation` is not the present one.
  Action said(unsigned generation, Event event) {
    return generation == generation_ ? happens(event) : Action::none;
  }

  /// The worker `generation` returned an SMS unasked, so that it takes no more. Returns false if it is gone.
  bool declines(unsigned generation) {
    if (generation != generation_ || !hasWorker(phase_)) return false;
    return declined_ = true;
  }

  Phase phase() const { return phase_; }
  /// Whether there is a worker in this phase.
  static bool hasWorker(Phase phase);
  Standing standing() const { return standingOf(phase_, present()); }
  /// The present worker has become ready; still true while it is being ended.
  bool ready() const { return ready_; }
  bool declined() const { return declined_; }
  /// The present worker ends because the operator or a reload wants a fresh one.
  bool restarting() const { return restarting_; }
  /// The first worker has neither become ready nor failed yet.
  bool undecided() const { return undecided_; }

  /// What is known of the present worker, for standingOf().
  enum class Present { notReady, ready, declined };
  static Standing standingOf(Phase phase, Present present);

  /// The number of the present worker, or of the last one: 1 for the first.
  unsigned generation() const { return generation_; }
  /// How long to wait with Action::rest.
  std::chrono::milliseconds wait() const { return throttling.after(earlyDeaths_); }
  /// The last workers died early, and none has proven itself since.
  bool suspect() const { return earlyDeaths_ > 0; }

 private:
  static constexpr delivery::Backoff throttling{std::chrono::seconds(1), 2, std::chrono::seconds(60)};

  Present present() const {
    return declined_ ? Present::declined : ready_ ? Present::ready : Present::notReady;
  }
  void note(Event event, Step step);
  void forgive() {
    earlyDeaths_ = 0;
    pardoned_ = false;
  }

  Phase phase_ = Phase::off;
  unsigned generation_ = 0;
  bool ready_ = false;
  bool declined_ = false;
  bool restarting_ = false;
  bool undecided_ = true;
  int earlyDeaths_ = 0;    // in a row
  bool pardoned_ = false;  // a worker died while `fresh`, which is forgiven once
};

}  // namespace smsd::keeper
