// One generation of a dispatcher's worker as the keeper sees it, however its process is started or found.
//
// Only types and promises between the keeper and what stands behind a connection (worker.h). Nothing here
// touches a process.
#pragma once

#include <kj/async.h>
#include <kj/function.h>

#include <string>
#include <utility>
#include <vector>

#include "supervisor/queue/queue.h"
#include "supervisor/road/outcome.h"

namespace smsd::keeper {

/// What a worker said of itself when it became ready; checked and bounded.
struct WorkerTraits {
  unsigned window = 1;
  unsigned backlog = 0;
  bool knowsKeys = false;
  std::vector<std::string> lock;
  unsigned visits = 0;  // connections its process has served; 0: it does not say
};

/// What a worker remembers of an attempt that was asked for.
struct Recalled {
  queue::AttemptId attempt = 0;
  kj::Maybe<Outcome> outcome;  // none: it is under way there
  Begun begun = Begun::yes;    // no: given back untouched
};

/// What a worker says of the way out when it is asked; checked, printable, bounded.
struct HealthReport {
  std::string broken;   // why it cannot work until something changes; empty: it can
  unsigned active = 0;  // SMS under way there
  std::vector<std::pair<std::string, std::string>>
      details;  // name, value; as the kind can tell: signal, operator
};

/// What a worker that announced an SMS is told.
enum class Leave {
  granted,
  withheld,  // it comes back untouched
  revoked,   // nothing of what it holds is ours any more: it is ended
};

/// Why a worker ends by itself, as it says in its last words.
enum class Cause { other, cannotStart, spent, told };

/// How a worker ended.
enum class Conduct { proper, breach };

class WorkerEvents {
 public:
  virtual ~WorkerEvents() noexcept(false) = default;
  /// It has described itself, and said how its way out is.
  virtual void workerReady(const WorkerTraits& traits, const HealthReport& health) = 0;
  virtual void workerReported(std::vector<AttemptOutcome> outcomes) = 0;
  /// It gives back what it was neither told to withhold nor to drain: it is about to end, and would give back
  /// the next as well. Before the report that has it.
  virtual void workerDeclined() = 0;
  /// Asked for each SMS that a worker is about to begin, after what was reported with it.
  virtual Leave mayBegin(queue::AttemptId attempt) const = 0;
  /// It is about to end by itself, for this reason; workerGone() has its words.
  virtual void workerEnds(Cause) {}
  /// It was asked to quit, and is of a version that cannot: its process stays.
  virtual void workerStays() {}
  /// The last call: the object may be destroyed afterwards, not from within.
  virtual void workerGone(const std::string& why, std::vector<AttemptOutcome> lost, Conduct conduct) = 0;
};

class Generation {
 public:
  virtual ~Generation() noexcept(false) = default;
  virtual int pid() const = 0;
  virtual std::size_t out() const = 0;
  /// Hands a batch over. The caller keeps within window + backlog; the attempts are durable already.
  virtual void dispatch(const std::vector<const queue::Submission*>& batch) = 0;
  /// What it knows of attempts of an earlier connection; those it does not answer are not known there.
  virtual kj::Promise<std::vector<Recalled>> recall(const std::vector<queue::AttemptId>& attempts) = 0;
  /// How the way out is. Fails as OVERLOADED when the worker does not answer in time: it hangs.
  virtual kj::Promise<HealthReport> health() = 0;
  /// No more dispatch(): what is not begun comes back, what is begun finishes. Resolves when nothing is out.
  virtual kj::Promise<void> drain() = 0;
  /// As drain(), and then its process ends by itself: workerGone() follows. Resolves when it should have, or
  /// when it cannot.
  virtual kj::Promise<void> quit() = 0;
  /// Ends it now; workerGone() follows.
  virtual void end(const std::string& why) = 0;
};

/// Starts or finds the next generation. What cannot be had throws std::system_error.
using Hire = kj::Function<kj::Own<Generation>(WorkerEvents&)>;

}  // namespace smsd::keeper
