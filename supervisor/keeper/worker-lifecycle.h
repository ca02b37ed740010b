// SPDX-License-Identifier: GPL-3.0-or-later
// A worker's life as a table: for each phase and event, the next phase and the action to take.
//
// A dispatcher has one worker at a time, and each worker is one generation. This class owns the phase, the
// number of the generation, and the throttle, which is the wait before the next worker:
//  - A worker that has proven itself (it has reported an outcome, or was ready for 10 s) is replaced at once.
//  - A worker that dies before that would do so again, so the wait grows from 1 s to 60 s. The first that had
//    become ready is forgiven and replaced at once.
//  - A worker that breaks the contract is replaced after the same waits, even if it has proven itself.
//
// Also owns what is known of the present worker besides the phase. Called by the keeper, which carries out
// the actions (succession.cpp). Pure: no process, no clock, no promise. Events caused by a worker of an
// earlier generation are ignored; an event that needs a worker while there is none is an error of ours.
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
    fresh,      // ready, and has not proven itself yet
    proven,     // has proven itself
    replacing,  // a fresh worker will replace it: gets no further SMS, finishes those it has begun
    reopening,  // no worker: systemd does not accept connections for the next one yet (see shutOut)
    ending,     // being ended by the keeper; a fresh worker follows as soon as it is gone
    failing,    // being ended by the keeper; a fresh worker follows after a wait
    leaving,    // smsd stops or drops the dispatcher; no worker follows this one
    over,       // smsd stops or drops the dispatcher; there is no worker any more
  };
  static constexpr int phases = 11;

  enum class Event {
    start,        // smsd starts, or the wait is over
    cannotStart,  // no process could be started, or no process listens on its socket
    ready,        // it has described itself and reported its health
    served,       // it has proven itself
    hung,         // it did not answer a query of its health, or did not end after it gave SMS back
    gone,         // its process or its connection ended: by itself, or because this side ended it (by
                  // Action::end, or for an SMS without an outcome, see worker.h)
    shutOut,      // as gone, but the process of the worker before it was still ending: systemd closes
                  // connections that come too early, so this is no failure
    breach,       // as gone, because it had broken the contract
    restart,      // requested by the operator or a reload
    drained,      // no SMS is in flight with it any more, or draining took too long
    restartNow,   // it must not keep its SMS: they belong to another supervisor, or are past every deadline
    stop,         // smsd stops, or a reload removes the dispatcher: the worker may finish its SMS
    end,          // smsd has waited for that long enough
  };
  static constexpr int events = 13;

  enum class Action {
    none,
    hire,     // start the next worker, or connect to it: a new generation
    retry,    // only in the table, never returned: becomes `hire` the first time, then `wait`
    wait,     // happens(start) after wait(); no worker until then
    again,    // happens(start) after 200 ms, because of shutOut; counts as no failure
    welcome,  // begin to use the worker
    drain,    // give it no more SMS; said(drained) when it has finished those that it has begun
    end,      // end the worker; gone or breach follows
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
  /// Returns the table's entry, without the throttle: see happens(). An event that cannot occur in a phase
  /// changes nothing.
  static Step step(Phase phase, Event event);

  /// Applies an event that the keeper, the operator or the daemon caused. Returns the action to carry out.
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
  /// How long to wait. Call it after Action::wait was returned, because that step counts the last death.
  std::chrono::milliseconds wait() const { return throttling.after(earlyDeaths_); }
  /// A worker died early, or broke the contract, and no worker has proven itself since. The present worker is
  /// not logged as ready until it has.
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
  int earlyDeaths_ = 0;    // waits in a row; ended by a proven worker or a restart
  bool pardoned_ = false;  // a worker died while `fresh`, which is forgiven once
};

}  // namespace smsd::keeper
