// SPDX-License-Identifier: GPL-3.0-or-later
// One generation of a dispatcher's worker as the keeper uses it, however its process is started or found.
//
// Only types and promises between the keeper and the connection to a process (worker.h). Nothing here touches
// a process.
#pragma once

#include <kj/async.h>
#include <kj/function.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/delivery/outcome.h"
#include "supervisor/queue/queue.h"

namespace smsd::keeper {

/// A worker's description of itself when it became ready; checked and bounded.
struct WorkerTraits {
  unsigned window = 1;
  unsigned backlog = 0;
  bool knowsKeys = false;
  std::vector<std::string> lock;
  unsigned visits = 0;                   // connections its process has served; 0: not reported
  std::chrono::milliseconds spacing{0};  // least time from the begin of one SMS to that of the next
  std::string software = {};             // the program's name and version; empty: not reported
};

/// A worker's record of an attempt that recall() named.
struct Recalled {
  queue::AttemptId attempt = 0;
  kj::Maybe<delivery::Outcome> outcome;          // none: still in progress there
  delivery::Begun begun = delivery::Begun::yes;  // no: given back untouched
};

/// A worker's report of its health; checked, printable, bounded.
struct HealthReport {
  std::string broken;   // why it cannot work until something changes; empty: it can
  unsigned active = 0;  // SMS in progress there
  std::vector<std::pair<std::string, std::string>>
      details;  // name, value; as far as the kind knows them: signal, operator
};

/// The answer to a worker that announced an SMS.
enum class Leave {
  granted,
  withheld,  // the worker gives it back untouched
  revoked,   // the claims are lost, so the worker is ended with all SMS it holds
};

/// Why a worker ends by itself, from its last words.
enum class Cause { other, cannotStart, spent, told };

/// How a worker ended: `breach` if it had broken the contract.
enum class Conduct { proper, breach };

class WorkerEvents {
 public:
  virtual ~WorkerEvents() noexcept(false) = default;
  /// The worker has described itself and reported its health.
  virtual void workerReady(const WorkerTraits& traits, const HealthReport& health) = 0;
  virtual void workerReported(std::vector<delivery::AttemptOutcome> outcomes) = 0;
  /// The worker returned an SMS that was neither withheld nor drained. It is about to end and would return
  /// further ones: send it no more. Called before the workerReported() with that SMS.
  virtual void workerDeclined() = 0;
  /// Called for each SMS that the worker announces, after workerReported() for the outcomes in the same call.
  virtual Leave mayBegin(queue::AttemptId attempt) const = 0;
  /// The worker has begun these SMS, as mayBegin() allowed. Called once for a report.
  virtual void workerBegan(const std::vector<queue::AttemptId>&) {}
  /// The worker is about to end by itself; workerGone() follows with its last words.
  virtual void workerEnds(Cause) {}
  /// The worker was requested to quit, but its version cannot: its process keeps running.
  virtual void workerStays() {}
  /// The last call: the object may be destroyed afterwards, but not from within this call.
  virtual void workerGone(const std::string& why, std::vector<delivery::AttemptOutcome> lost,
                          Conduct conduct) = 0;
};

class Generation {
 public:
  virtual ~Generation() noexcept(false) = default;
  virtual int pid() const = 0;
  virtual std::size_t out() const = 0;
  /// Hands a batch over. The caller stays within window + backlog; the attempts are durable already.
  virtual void dispatch(const std::vector<const queue::Submission*>& batch) = 0;
  /// Returns the records that the worker has of `attempts` from an earlier connection. The worker does not
  /// know the attempts that are missing in the result.
  virtual kj::Promise<std::vector<Recalled>> recall(const std::vector<queue::AttemptId>& attempts) = 0;
  /// Returns how the dispatcher is. Fails as OVERLOADED if the worker does not answer in time, because it
  /// hangs then.
  virtual kj::Promise<HealthReport> health() = 0;
  /// No dispatch() may follow. The worker returns SMS that it has not begun, and finishes the others.
  /// Resolves when none is in flight.
  virtual kj::Promise<void> drain() = 0;
  /// As drain(), and then the process ends by itself and workerGone() follows. Resolves some seconds later
  /// even if the process has not ended, or after the drain if the worker is too old to quit.
  virtual kj::Promise<void> quit() = 0;
  /// Ends the worker now; workerGone() follows.
  virtual void end(const std::string& why) = 0;
};

/// Starts or finds the next generation. Throws std::system_error if it cannot.
using Hire = kj::Function<kj::Own<Generation>(WorkerEvents&)>;

}  // namespace smsd::keeper
