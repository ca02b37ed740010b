// The keeper of one dispatcher: keeps a worker running, and knows whether the way out is worth trying.
//
// Owns the worker's generations, the throttle for workers that die before they ever served, and the breaker.
// The road asks `room()` and calls dispatch(); what comes back goes to DispatcherEvents. Never touches the
// queue, never decides the fate of a message. A worker that cannot be started is a state with a reason, not
// an exception.
#pragma once

#include <kj/async-io.h>

#include <string>
#include <vector>

#include "supervisor/alarm.h"
#include "supervisor/config.h"
#include "supervisor/events.h"
#include "supervisor/keeper/backoff.h"
#include "supervisor/keeper/breaker.h"
#include "supervisor/keeper/inquiry.h"
#include "supervisor/keeper/link.h"
#include "supervisor/keeper/worker.h"

namespace smsd::keeper {

enum class State { starting, ready, resting, broken, paused };

class DispatcherEvents {
 public:
  virtual ~DispatcherEvents() noexcept(false) = default;
  virtual void dispatcherReported(std::size_t dispatcher, std::vector<AttemptOutcome> outcomes) = 0;
  /// It can take more, or less, than before.
  virtual void dispatcherChanged(std::size_t dispatcher) = 0;
  /// Are our claims still ours? What a worker has not begun by then it does not begin.
  virtual bool mayBegin() const = 0;
};

struct Counts {
  std::uint64_t accepted = 0, refused = 0, deferred = 0, broken = 0, unknown = 0;
};

class Keeper final : private WorkerEvents, private kj::TaskSet::ErrorHandler {
 public:
  Keeper(kj::Timer& timer, const DispatcherConfig& config, Hire hire, std::size_t index, Events& events,
         DispatcherEvents& road);
  /// One whose workers are child processes.
  Keeper(kj::AsyncIoContext& io, const DispatcherConfig& config, SpawnPlan plan, std::size_t index,
         Events& events, DispatcherEvents& road);

  /// Starts the first worker.
  void start();
  /// How many SMS it may be given now. 0: not ready, resting, or full.
  std::size_t room() const;
  /// Ready to work: room() may be 0 for the moment.
  bool usable() const;
  /// Its first worker has neither become ready nor failed yet.
  bool undecided() const { return undecided_; }
  std::size_t capacity() const { return traits_.window + traits_.backlog; }
  bool knowsKeys() const { return traits_.knowsKeys; }
  void dispatch(const std::vector<const queue::Submission*>& batch);
  /// What became of these attempts, which a predecessor of ours had out with this dispatcher? Each gets an
  /// outcome by dispatcherReported(): the worker's own where it outlived its supervisor and remembers, else
  /// `unknown`.
  void inquire(const std::vector<queue::AttemptId>& attempts);
  /// The operator's: nothing further is handed over, what is out finishes, the worker stays up.
  void pause();
  /// Usable at once; where it rested or was broken, one SMS is the probe.
  void resume();
  /// A fresh worker as soon as what is out has finished, or a while later. What was is forgotten: an operator
  /// who mended something sees it tried.
  void restart(const std::string& why);
  bool paused() const { return paused_; }
  /// What the worker last said of its way out; empty when it has not been asked yet.
  const HealthReport& lastHealth() const { return health_; }
  /// What is with the worker is not ours any more: it is ended, and another one follows.
  void letGo(const std::string& why) {
    if (worker_.get() != nullptr) worker_->end(why);
  }
  /// For the end of the daemon: nothing further is started; resolves when nothing is out.
  kj::Promise<void> drain();
  /// For the end of the daemon, too late for drain(): what is out becomes unknown.
  void end();

  const std::string& name() const { return config_.name; }
  /// What it calls itself towards DispatcherEvents.
  std::size_t index() const { return index_; }
  const std::string& kind() const { return config_.kind; }
  State state() const;
  const std::string& reason() const;
  const WorkerTraits& traits() const { return traits_; }
  const Counts& counts() const { return counts_; }
  kj::Duration since() const { return timer_.now() - changed_; }
  int pid() const { return worker_.get() == nullptr ? 0 : worker_->pid(); }
  unsigned starts() const { return starts_; }
  unsigned strikes() const { return strikes_; }
  std::size_t out() const { return worker_.get() == nullptr ? 0 : worker_->out(); }
  /// Until it is tried again; 0 when it need not be.
  Milliseconds untilProbe() const;

 private:
  void workerReady(const WorkerTraits& traits) override;
  void workerReported(std::vector<AttemptOutcome> outcomes) override;
  bool mayBegin() const override { return road_.mayBegin(); }
  void workerGone(const std::string& why, std::vector<AttemptOutcome> lost, bool breach) override;
  void taskFailed(kj::Exception&& exception) override;

  void spawn();
  void throttle(const std::string& why);
  void ask();
  void askHealth();
  void forget();
  bool outlivesUs() const { return config_.activation == Activation::socket; }
  void record(const std::vector<AttemptOutcome>& outcomes);
  void changed();
  Milliseconds now() const {
    return Milliseconds((timer_.now() - kj::origin<kj::TimePoint>()) / kj::MILLISECONDS);
  }

  kj::Timer& timer_;
  DispatcherConfig config_;
  Hire hire_;
  std::size_t index_;
  Events& events_;
  DispatcherEvents& road_;

  kj::Own<Generation> worker_;
  WorkerTraits traits_;
  bool ready_ = false;   // this generation said so
  bool served_ = false;  // this generation has given an outcome
  bool undecided_ = true;
  bool stopping_ = false;
  bool paused_ = false;    // by the operator
  bool retiring_ = false;  // this generation gives way to a fresh one
  int earlyDeaths_ = 0;    // in a row, before having served
  Milliseconds respawnAt_{0};
  Breaker breaker_;
  bool sickness_ = false;  // the breaker is open because the dispatcher said `broken`
  Counts counts_;
  unsigned starts_ = 0;
  unsigned strikes_ = 0;

  State lastState_ = State::starting;
  std::string reason_;
  kj::TimePoint changed_;
  Alarm probe_;
  Alarm respawn_;
  Inquiry inquiry_;
  Alarm ask_;
  kj::Promise<void> asking_ = nullptr;
  HealthReport health_;
  Alarm healthDue_;
  kj::TaskSet tasks_;
};

}  // namespace smsd::keeper
