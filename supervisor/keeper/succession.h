// SPDX-License-Identifier: GPL-3.0-or-later
// The workers of one dispatcher, one after the other.
//
// Owns the present worker, the table of its life (worker-lifecycle.h) and the wait for the next one. Carries
// out the actions of the table: starts, replaces and ends workers. Called by the keeper for everything that
// the operator, a reload or the daemon wants, and calls the keeper with everything that a worker reports.
// Reports of a worker that has been replaced are ignored. A worker that cannot be started is a state with a
// reason, not an exception. Never decides whether the dispatcher is worth trying.
//
// The class has more than 40 declarations: 8 are wishes of the keeper, 8 tell it what there is, and each
// action of the table and each report of a worker has a function of its own.
#pragma once

#include <kj/async.h>

#include <optional>
#include <string>
#include <vector>

#include "common/kj/alarm.h"
#include "supervisor/config/config.h"
#include "supervisor/events/events.h"
#include "supervisor/keeper/generation.h"
#include "supervisor/keeper/given-sms.h"
#include "supervisor/keeper/next-start.h"
#include "supervisor/keeper/worker-end-counts.h"
#include "supervisor/keeper/worker-end.h"
#include "supervisor/keeper/worker-lifecycle.h"

namespace smsd::keeper {

class SuccessionEvents {
 public:
  struct Gone {
    std::string why;
    std::vector<delivery::AttemptOutcome> lost;
    Conduct conduct = Conduct::proper;
    enum class Because {
      itself,      // it ended, or we ended it for a fault
      restarting,  // we ended it for a fresh one
    } because = Because::itself;
  };
  /// The unit of a worker that ended before was stopped or restarted, so that an operator may have repaired
  /// it.
  enum class Before { other, toldToEnd };

  virtual ~SuccessionEvents() noexcept(false) = default;
  virtual void workerReady(const HealthReport& health, Before before) = 0;
  /// The worker has served, or was well for a while.
  virtual void workerProven() = 0;
  virtual void workerReported(std::vector<delivery::AttemptOutcome> outcomes) = 0;
  virtual Leave mayBegin(queue::AttemptId attempt) const = 0;
  virtual void workerBegan(const std::vector<queue::AttemptId>& attempts) = 0;
  /// There is no worker, because of `why`.
  virtual void workerFailed(const std::string& why) = 0;
  /// The worker is gone, and the next one is not started yet. Returns the outcomes to report.
  virtual std::vector<delivery::AttemptOutcome> workerGone(Gone gone) = 0;
  /// Follows workerGone(), with its result, when the next worker is started or waits.
  virtual void workerReplaced(std::vector<delivery::AttemptOutcome> outcomes) = 0;
  /// Another event of a worker's life has happened.
  virtual void changed() = 0;
};

class Succession final : private kj::TaskSet::ErrorHandler {
 public:
  /// `config` may change later. A worker that is hired afterwards gets the change.
  Succession(kj::Timer& timer, const config::DispatcherConfig& config, Hire hire, events::EventLog& log,
             SuccessionEvents& keeper);
  void use(Hire hire) { hire_ = kj::mv(hire); }

  /// Starts the first worker.
  void start() { happens(Life::Event::start); }
  /// There is something to send, which may shorten the wait for the next worker.
  void wanted();
  /// Ends the wait for the next worker. Returns false if there is no wait.
  bool startNow();
  /// Replaces the worker as soon as the SMS in flight have finished, or after at most 10 s.
  void restart(const std::string& why);
  /// The next restart() replaces the process as well, not only the connection to it.
  void replaceProcess() { end_.quits(outlivesUs()); }
  /// Ends the worker with all SMS that it holds. A fresh one follows.
  void restartNow(const std::string& why);
  /// The worker of `generation` does not answer.
  void hangs(unsigned generation, const std::string& why);
  /// Starts no further worker. Resolves when no SMS is in flight.
  kj::Promise<void> drain();
  /// Ends the worker, and starts no further one.
  void end();

  /// Words of a worker may quote this SMS until ended(): an earlier smsd had handed it over.
  void handedOver(const queue::Submission& submission) { given_.add(submission); }
  /// The attempt has its outcome.
  void ended(queue::AttemptId attempt) { given_.end(attempt); }

  const Life& life() const { return life_; }
  /// The present worker. Fails if there is none.
  Generation& worker() {
    KJ_REQUIRE(worker_.get() != nullptr, "there is no worker", int(life_.phase()));
    return *worker_;
  }
  std::size_t out() const { return worker_.get() == nullptr ? 0 : worker_->out(); }
  int pid() const { return worker_.get() == nullptr ? 0 : worker_->pid(); }
  /// Of the last worker that was ready.
  const WorkerTraits& traits() const { return traits_; }
  /// How many workers have broken the contract.
  unsigned strikes() const { return strikes_; }
  const WorkerEndCounts& ends() const { return ends_; }
  /// The worker's process may live on without a connection to us.
  bool outlivesUs() const { return config_.activation == config::Activation::socket; }
  /// The present worker's process served a connection before this one.
  bool servedBefore() const { return outlivesUs() && traits_.visits >= 2; }
  /// The present worker is the first one, and another smsd had used its process before.
  bool isFormer() const { return servedBefore() && life_.generation() <= 1; }
  /// When the wait for the next worker ends; none: there is no wait.
  std::optional<Milliseconds> waitsUntil() const;

 private:
  class ReportReceiver;

  void workerReady(unsigned generation, const WorkerTraits& traits, const HealthReport& health);
  void workerReported(unsigned generation, std::vector<delivery::AttemptOutcome> outcomes);
  void workerGone(unsigned generation, SuccessionEvents::Gone gone);

  void happens(Life::Event event);
  void carryOut(Life::Action action);
  void hire();
  void startLater();
  void drainWorker();
  void endWorker();
  void proven();
  void endDeclined();
  Life::Event eventOf(Conduct conduct) const;
  EndCause causeOf(Conduct conduct) const;
  void logGone(const SuccessionEvents::Gone& gone, int pid, Life::Action action);
  void taskFailed(kj::Exception&& exception) override;
  Milliseconds now() const {
    return Milliseconds((timer_.now() - kj::origin<kj::TimePoint>()) / kj::MILLISECONDS);
  }

  kj::Timer& timer_;
  const config::DispatcherConfig& config_;
  Hire hire_;
  events::EventLog& log_;
  SuccessionEvents& keeper_;

  Life life_;
  GivenSms given_;
  kj::Own<Generation> worker_;
  WorkerTraits traits_;
  WorkerEnd end_;
  NextStart next_;
  unsigned strikes_ = 0;
  bool hung_ = false;  // the present worker
  WorkerEndCounts ends_;
  Alarm respawn_;
  Alarm proving_;
  Alarm declining_;
  kj::TaskSet tasks_;
};

}  // namespace smsd::keeper
