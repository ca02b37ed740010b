// SPDX-License-Identifier: GPL-3.0-or-later
// A dispatcher whose workers do what the test says, behind a real Keeper.
//
// Owns the script of one dispatcher over all generations of its worker. Stands where a child process and its
// connection stand (keeper::Generation) and keeps their contract: a report comes for what is out, later than
// the hand-over; when a generation ends everything that was out gets its outcome.
#pragma once

#include <kj/async.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "supervisor/config/config.h"
#include "supervisor/keeper/generation.h"

namespace smsd::road {

class FakeDispatcher {
 public:
  enum class Start {
    ready,   // as soon as it is hired
    silent,  // when the test says ready()
    fails,   // it cannot be started at all
  };
  explicit FakeDispatcher(keeper::WorkerTraits made) : traits(std::move(made)) {}
  KJ_DISALLOW_COPY(FakeDispatcher);

  keeper::Hire hire();

  // --- what it is told
  Start start = Start::ready;
  keeper::WorkerTraits traits;
  bool mute = false;  // drain() is never answered, as by a worker that hangs
  bool deaf = false;  // does not end when it is told to
  bool old = false;   // of a version that cannot quit
  std::function<void(const queue::Submission&)> onDispatch;
  Milliseconds took{0};            // how long it says that an attempt took
  bool hung = false;               // health() fails, as a real one does when there is no answer in time
  keeper::HealthReport condition;  // what health() answers
  /// What recall() answers: the outcome of an attempt, or none where it is under way.
  std::map<queue::AttemptId, std::optional<delivery::Outcome>> remembers;

  // --- what happened to it
  std::vector<queue::Submission> handed;  // all that was ever handed over, in order
  unsigned hired = 0;
  unsigned drains = 0;
  unsigned quits = 0;
  std::vector<std::string> ended;  // why, each time
  unsigned recalls = 0;
  unsigned healths = 0;

  // --- what its worker does
  bool alive() const { return current_ != nullptr; }
  std::vector<queue::AttemptId> out() const;
  void ready();
  /// Where the worker of now reports to; to be used before the turn after its end.
  keeper::WorkerEvents& events() const;
  void begin(queue::AttemptId attempt);
  /// Begun, and then this.
  void say(queue::AttemptId attempt, delivery::Outcome outcome) { say({{attempt, std::move(outcome)}}); }
  void say(std::vector<std::pair<queue::AttemptId, delivery::Outcome>> outcomes);
  /// Not begun after all: what a worker does that is about to end.
  void giveBack(const std::vector<queue::AttemptId>& attempts);
  /// The same of everything that is out.
  void sayAll(const delivery::Outcome& outcome);
  void die(const std::string& why = "signal 9 (Killed)") { gone(why, false); }
  /// Its last words.
  void say(keeper::Cause cause) { events().workerEnds(cause); }
  void breach() { gone("an outcome for an attempt that is not out", true); }

 private:
  class Generation;
  void gone(const std::string& why, bool breach);

  Generation* current_ = nullptr;
};

inline delivery::Outcome accepted(std::string reference = "17") {
  return {delivery::OutcomeKind::accepted, std::move(reference), {}};
}
inline delivery::Outcome refused(std::string reason = "no such number") {
  return {delivery::OutcomeKind::refused, std::move(reason), {}};
}
inline delivery::Outcome deferred(Milliseconds after = Milliseconds(0)) {
  return {delivery::OutcomeKind::deferred, "busy", after};
}
inline delivery::Outcome broken() { return {delivery::OutcomeKind::broken, "no SIM", {}}; }
inline delivery::Outcome unknown() { return {delivery::OutcomeKind::unknown, "cut off", {}}; }
inline delivery::Outcome unread() {
  return {.kind = delivery::OutcomeKind::unknown,
          .words = "no rule knows it",
          .reply = delivery::Reply::notUnderstood};
}

}  // namespace smsd::road
