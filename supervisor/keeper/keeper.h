// SPDX-License-Identifier: GPL-3.0-or-later
// The keeper of one dispatcher: knows whether the dispatcher is worth trying, and hands SMS to its worker.
//
// Owns the workers (succession.h keeps one running), the SMS in flight, the breaker, the limit of the day and
// what the worker reports of its health. The road reads `room()` and calls dispatch(); outcomes go to
// DispatcherEvents. Never accesses the queue, never decides the fate of a message.
//
// The class has more than 40 declarations, because four callers see a dispatcher through it alone: the road,
// the operator, the status and the daemon. Most public members are one line. The rules are in the classes
// that it owns.
#pragma once

#include <kj/async-io.h>

#include <algorithm>
#include <climits>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/kj/alarm.h"
#include "supervisor/config/config.h"
#include "supervisor/delivery/breaker.h"
#include "supervisor/events/events.h"
#include "supervisor/keeper/announcer.h"
#include "supervisor/keeper/dispatcher-state.h"
#include "supervisor/keeper/health-queries.h"
#include "supervisor/keeper/in-flight.h"
#include "supervisor/keeper/link.h"
#include "supervisor/keeper/reasons.h"
#include "supervisor/keeper/recall-queries.h"
#include "supervisor/keeper/succession.h"
#include "supervisor/keeper/tally.h"
#include "supervisor/keeper/worker.h"

namespace smsd::keeper {

class DispatcherEvents {
 public:
  virtual ~DispatcherEvents() noexcept(false) = default;
  virtual void dispatcherReported(std::size_t dispatcher, std::vector<delivery::AttemptOutcome> outcomes) = 0;
  /// The dispatcher can take more SMS than before, or fewer.
  virtual void dispatcherChanged(std::size_t dispatcher) = 0;
  /// Returns whether our claims are still valid. If they are not, a worker must not begin further SMS of
  /// them.
  virtual bool mayBegin() const = 0;
};

/// Answers of the gateway that the configuration of the dispatcher does not understand, since the worker read
/// it.
struct NotUnderstood {
  std::uint64_t answers = 0;
  std::string last;  // the words of the last one
};

class Keeper final : private SuccessionEvents, private HealthQueries::Events, private RecallQueries::Events {
 public:
  Keeper(kj::Timer& timer, const config::DispatcherConfig& config, Hire hire, std::size_t index,
         events::EventLog& events, DispatcherEvents& road);
  /// Its workers are processes: children, or systemd's.
  Keeper(kj::AsyncIoContext& io, const config::DispatcherConfig& config, SpawnPlan plan, std::size_t index,
         events::EventLog& events, DispatcherEvents& road);

  /// Continues today's count from `file` and keeps it there. Call it before start(). If the file cannot be
  /// read, that is logged, and the count is in memory only.
  void countIn(const std::filesystem::path& file);

  // --- for the road
  /// Starts the first worker.
  void start() { workers_.start(); }
  /// The road has something to send. A worker that systemd starts, and that could not be reached or has
  /// ended, is tried again soon: an operator may have repaired and restarted its unit.
  void wanted() {
    if (!paused_) workers_.wanted();
  }
  /// How many SMS it may be given now. 0: not ready, backing off, or full.
  std::size_t room() const { return places().all; }
  /// room() by severity: the last places may be for severe SMS alone.
  Places places() const;
  /// Whether an SMS of this rank is better given to another dispatcher, if there is one: the worker has room
  /// in its window, and keeps SMS unbegun for too long.
  bool stalls(int rank) const;
  /// Ready to work, although room() may be 0 for the moment.
  bool usable() const;
  /// Usable, but the next SMS is the probe.
  bool probes() const { return usable() && breaker() == delivery::Breaker::State::halfOpen; }
  /// Not usable because the breaker is open, but open only for failures that let an SMS of this rank be the
  /// probe now.
  bool triesFor(int rank) const { return mayTry() && !usable() && breaker_.opensFor(rank, now()); }
  bool triesForSome() const { return triesFor(INT_MIN) && allowance(tally_.reserveFor()) > 0; }
  /// The rank that an SMS has to be more severe than to be that probe, with the limit of the day applied.
  /// None: any SMS may.
  std::optional<int> triesAbove() const {
    auto from = breaker_.openFrom();
    if (allowance(std::nullopt) > 0) return from;
    return std::min(from.value_or(INT_MAX), tally_.reserveFor() + 1);
  }
  /// Its first worker has neither become ready nor failed yet.
  bool undecided() const { return workers_.life().undecided(); }
  /// How many SMS of `severity` the limit of the day leaves; SIZE_MAX: there is no limit.
  std::size_t allowance(std::optional<int> severity) const { return tally_.allowance(severity, out()); }
  std::size_t capacity() const { return traits().window + traits().backlog; }
  bool knowsKeys() const { return traits().knowsKeys; }
  /// None of the gateway's latest answers was understood, so any further SMS is sent without proof.
  bool understandsNothing() const { return breaker_.understandsNothing(); }
  void dispatch(const std::vector<const queue::Submission*>& batch);
  /// Finds the outcomes of the attempts of SMS that an earlier smsd had handed to this dispatcher. Each gets
  /// an outcome by dispatcherReported(): the worker's own if the worker outlived that smsd and remembers the
  /// attempt, otherwise `unknown`. Called after each take-over, also without an SMS.
  void inquire(const std::vector<const queue::Submission*>& former);
  /// Ends the worker with all SMS that it holds, because they belong to another supervisor now or are past
  /// every deadline. A fresh worker follows.
  void restartNow(const std::string& why) { workers_.restartNow(why); }
  /// Starts no further worker, because smsd or this dispatcher ends. Resolves when no SMS is in flight.
  kj::Promise<void> drain() { return workers_.drain(); }
  /// No SMS is in flight, and inquire() has no attempt left to find.
  bool idle() const { return out() == 0 && recalls_.size() == 0; }
  /// Ends the worker when smsd cannot wait for drain() any longer. The fate of SMS in progress is unknown
  /// then.
  void end() { workers_.end(); }

  // --- for the operator
  /// Lets no further SMS begin. SMS in progress finish, others come back, and the worker keeps running.
  void pause();
  /// The effect of resume().
  enum class Resumed {
    nothing,  // it was neither paused nor in trouble
    usable,   // it was paused
    probe,    // it backs off or is broken: the next SMS is the probe, now
    asked,    // its worker reported `broken`, and is queried again now
    started,  // it had no worker, and one is being started now
  };
  /// Ends a pause. Tries a dispatcher in trouble at once, whether it was paused or not.
  Resumed resume();
  /// Replaces the worker as soon as the SMS in flight have finished, or after at most 10 s. Forgets earlier
  /// failures, so that an operator sees the effect of a repair.
  void restart(const std::string& why);
  /// Applies a reload: a worker with the new configuration follows as after restart(). If systemd started the
  /// worker, only the connection is renewed, because its file is not part of the change.
  void reconfigure(kj::AsyncIoContext& io, const config::DispatcherConfig& config, SpawnPlan plan);
  void reconfigure(const config::DispatcherConfig& config, Hire hire);
  bool paused() const { return paused_; }

  // --- for all
  const std::string& name() const { return config_.name; }
  /// Its number in calls of DispatcherEvents.
  std::size_t index() const { return index_; }
  const std::string& kind() const { return config_.kind; }
  State state() const { return situation().state(); }
  /// Which of its parts keeps it from being ready.
  Trouble trouble() const { return situation().trouble(); }
  /// Why it is not ready; if it is ready, its last trouble, until an SMS is answered.
  const std::string& reason() const;
  /// The age of the last trouble; none: there was none, or an SMS has been answered since.
  kj::Maybe<kj::Duration> troubleFor() const { return reasons_.troubleFor(timer_.now()); }
  /// It is in trouble, or its last SMS was not answered, so it is not certain that it works.
  bool doubtful() const { return state() != State::ready || reasons_.unanswered(); }
  /// Its last trouble is from before an operator restarted it, and no SMS was answered since.
  bool retried() const { return reasons_.retried(); }
  Reasons::Ends endsLately() const { return reasons_.ends(timer_.now()); }
  /// Ready, and not only because one more worker has started after several that died early.
  bool believed() const { return state() == State::ready && reputation() == Announcer::Reputation::trusted; }
  const WorkerTraits& traits() const { return workers_.traits(); }
  const Counts& counts() const { return tally_.counts(); }
  const NotUnderstood& notUnderstood() const { return notUnderstood_; }
  kj::Duration since() const { return timer_.now() - announcer_.since(); }
  int pid() const { return workers_.pid(); }
  unsigned starts() const { return workers_.life().generation(); }
  unsigned strikes() const { return workers_.strikes(); }
  const WorkerEndCounts& ends() const { return workers_.ends(); }
  delivery::Breaker::State breaker() const { return breaker_.state(now()); }
  std::size_t out() const { return workers_.out(); }
  /// The time until it is tried again; 0 if it need not be.
  Milliseconds untilProbe() const;
  /// The worker's last report of its health; empty before the first.
  const HealthReport& lastHealth() const { return health_.watch().last(); }
  /// The age of lastHealth(); none: there is no report yet.
  kj::Maybe<kj::Duration> lastHealthFor() const { return health_.age(); }

 private:
  void workerReady(const HealthReport& health, Before before) override;
  void workerProven() override;
  void workerReported(std::vector<delivery::AttemptOutcome> outcomes) override;
  Leave mayBegin(queue::AttemptId attempt) const override;
  void workerBegan(const std::vector<queue::AttemptId>& attempts) override;
  void workerFailed(const std::string& why) override { reasons_.workerFailed(why, timer_.now()); }
  std::vector<delivery::AttemptOutcome> workerGone(Gone gone) override;
  void workerReplaced(std::vector<delivery::AttemptOutcome> outcomes) override;
  void changed() override;

  void healthReported(const HealthReport& health) override;
  Sick sick() const override { return sick_; }
  void queryFailed(const std::string& why) override { workerFailed(why); }
  void attemptsFound(std::vector<delivery::AttemptOutcome> found) override;
  void attemptsLost(std::vector<delivery::AttemptOutcome> lost) override;

  void watchBegins();
  void startOver(const std::string& why);
  void replaceFormer(const std::vector<delivery::AttemptOutcome>& outcomes);
  /// The worker's version, if it is one of smsd's own workers and of another build than this program.
  std::string otherBuild() const;
  void replaceOtherBuild();
  void heard(HealthReport health);
  void record(const std::vector<delivery::AttemptOutcome>& outcomes);
  void recordNotUnderstood(const delivery::Outcome& outcome, const delivery::Breaker::Whose& whose);
  delivery::Breaker::Whose ended(queue::AttemptId attempt);
  bool mayTry() const;
  Resumed tryNow();
  void count(const delivery::AttemptOutcome& one);
  DispatcherSituation situation() const {
    return {workers_.life().standing(), breaker(), sick_, paused_ ? Paused::byOperator : Paused::no};
  }
  void announce(const DispatcherSituation& situation);
  Announcer::Reputation reputation() const {
    return workers_.life().suspect() ? Announcer::Reputation::suspect : Announcer::Reputation::trusted;
  }
  Milliseconds now() const {
    return Milliseconds((timer_.now() - kj::origin<kj::TimePoint>()) / kj::MILLISECONDS);
  }

  kj::Timer& timer_;
  config::DispatcherConfig config_;
  std::size_t index_;
  events::EventLog& events_;
  DispatcherEvents& road_;

  delivery::Breaker breaker_;
  Sick sick_ = Sick::no;
  bool paused_ = false;              // by the operator
  bool otherBuildReplaced_ = false;  // once: the fresh process may be of another build as well
  InFlight inFlight_;                // with the present worker
  Tally tally_;
  NotUnderstood notUnderstood_;
  Reasons reasons_;
  Announcer announcer_;
  Succession workers_;
  HealthQueries health_;
  RecallQueries recalls_;
  Alarm probe_;
  Alarm begins_;  // runs while the worker holds unbegun SMS
  Alarm otherBuildDue_;
};

}  // namespace smsd::keeper
