// The keeper of one dispatcher: keeps a worker running, and knows whether the way out is worth trying.
//
// Owns the worker, one generation after the other (life.h says what follows from what), the breaker, and what
// the worker says of its way out. The road asks `room()` and calls dispatch(); what comes back goes to
// DispatcherEvents. Never touches the queue, never decides the fate of a message. A worker that cannot be
// started is a state with a reason, not an exception.
//
// keeper.cpp: what the road, the operator and the journal see; keeper-life.cpp: carries out what the table
// says; keeper-questions.cpp: asks the worker how it is, and what became of attempts.
#pragma once

#include <kj/async-io.h>

#include <algorithm>
#include <climits>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "supervisor/alarm.h"
#include "supervisor/config.h"
#include "supervisor/events.h"
#include "supervisor/keeper/breaker.h"
#include "supervisor/keeper/day-count.h"
#include "supervisor/keeper/in-flight.h"
#include "supervisor/keeper/inquiry.h"
#include "supervisor/keeper/life.h"
#include "supervisor/keeper/link.h"
#include "supervisor/keeper/quota.h"
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

/// Answers of its gateway that its configuration does not understand, since that was read.
struct NotUnderstood {
  std::uint64_t answers = 0;
  std::string last;  // what was said of the last one
};

struct Counts {
  std::uint64_t accepted = 0, refused = 0, deferred = 0, broken = 0, unknown = 0;
};

class Keeper final : private kj::TaskSet::ErrorHandler {
 public:
  Keeper(kj::Timer& timer, const DispatcherConfig& config, Hire hire, std::size_t index, Events& events,
         DispatcherEvents& road);
  /// One whose workers are processes: children, or systemd's.
  Keeper(kj::AsyncIoContext& io, const DispatcherConfig& config, SpawnPlan plan, std::size_t index,
         Events& events, DispatcherEvents& road);

  /// Goes on with today's count in this file. Before start().
  void countIn(const std::filesystem::path& file);

  // --- the road's
  /// Starts the first worker.
  void start();
  /// There is something to send. A worker that systemd starts, and that could not be reached, is looked for
  /// again soon: an operator may have mended and restarted its unit.
  void wanted();
  /// How many SMS it may be given now. 0: not ready, resting, or full.
  std::size_t room() const { return places().all; }
  /// The same by severity: the last places may be for the severe alone.
  Places places() const;
  /// Ready to work: room() may be 0 for the moment.
  bool usable() const;
  /// Usable, but what it is given next is the probe.
  bool probes() const { return usable() && breaker() == Breaker::State::halfOpen; }
  /// Not usable, as it rests; but for such failures that an SMS of this rank may be the probe now.
  bool triesFor(int rank) const { return mayTry() && !usable() && breaker_.opensFor(rank, now()); }
  bool triesForSome() const { return triesFor(INT_MIN) && allowance(config_.quota.reserveFor) > 0; }
  /// For which: those that are more severe than this rank, as far as the day's limit goes. None: for any.
  std::optional<int> triesAbove() const {
    auto from = breaker_.openFrom();
    if (allowance(std::nullopt) > 0) return from;
    return std::min(from.value_or(INT_MAX), config_.quota.reserveFor + 1);
  }
  /// Its first worker has neither become ready nor failed yet.
  bool undecided() const { return undecided_; }
  /// How many of this severity the day's limit leaves; SIZE_MAX: there is no limit.
  std::size_t allowance(std::optional<int> severity) const {
    return config_.quota.perDay == 0 ? SIZE_MAX : quota_.left(severity, out(), today());
  }
  std::size_t capacity() const { return traits_.window + traits_.backlog; }
  bool knowsKeys() const { return traits_.knowsKeys; }
  /// None of its gateway's answers was understood of late: what it is given goes out unproven.
  bool understandsNothing() const { return breaker_.understandsNothing(); }
  void dispatch(const std::vector<const queue::Submission*>& batch);
  /// What became of these attempts, which a predecessor of ours had out with this dispatcher? Each gets an
  /// outcome by dispatcherReported(): the worker's own where it outlived its supervisor and remembers, else
  /// `unknown`.
  void inquire(const std::vector<queue::AttemptId>& attempts);
  /// What is with the worker is not ours any more: it is ended, and another one follows.
  void letGo(const std::string& why);
  /// For the end of the daemon, or of this dispatcher: nothing further is started; resolves when nothing is
  /// out.
  kj::Promise<void> drain();
  /// Nothing is out, and nothing is asked about.
  bool idle() const { return out() == 0 && inquiry_.empty(); }
  /// For the end of the daemon, too late for drain(): what is out becomes unknown.
  void end();

  // --- the operator's
  /// Nothing further is begun, what is out finishes or comes back, the worker stays up.
  void pause();
  /// What resume() did.
  enum class Resumed {
    nothing,  // it was neither paused nor in trouble
    usable,   // it was paused
    probe,    // it rests or is broken: the next SMS is the probe, now
    asked,    // its worker says that it is broken, and is asked again now
    started,  // it had no worker, and one is being started now
  };
  /// Ends a pause. A dispatcher in trouble is tried at once, whether it was paused or not.
  Resumed resume();
  /// A fresh worker as soon as what is out has finished, or a while later. What was is forgotten: an operator
  /// who mended something sees it tried.
  void restart(const std::string& why);
  /// A reload: the next worker is one of the new kind, and it follows as by restart(). Of a worker that
  /// systemd started the connection alone is a new one: its file is not what has changed.
  void reconfigure(kj::AsyncIoContext& io, const DispatcherConfig& config, SpawnPlan plan);
  void reconfigure(const DispatcherConfig& config, Hire hire);
  bool paused() const { return paused_; }

  // --- anybody's
  const std::string& name() const { return config_.name; }
  /// What it calls itself towards DispatcherEvents.
  std::size_t index() const { return index_; }
  const std::string& kind() const { return config_.kind; }
  State state() const;
  /// Why it is not ready; when it is ready, its last trouble, until an SMS was answered.
  const std::string& reason() const;
  /// The age of the last trouble; none: there is none, or an SMS was answered since.
  kj::Maybe<kj::Duration> troubleFor() const;
  /// It is in trouble, or its last SMS was not answered: whether it works is open.
  bool doubtful() const { return state() != State::ready || unanswered_; }
  /// Ready, and not only because yet another worker has started after several that died early.
  bool believed() const { return state() == State::ready && !life_.suspect(); }
  const WorkerTraits& traits() const { return traits_; }
  const Counts& counts() const { return counts_; }
  const NotUnderstood& notUnderstood() const { return notUnderstood_; }
  kj::Duration since() const { return timer_.now() - changed_; }
  int pid() const { return worker_.get() == nullptr ? 0 : worker_->pid(); }
  unsigned starts() const { return life_.generation(); }
  unsigned strikes() const { return strikes_; }
  std::size_t out() const { return worker_.get() == nullptr ? 0 : worker_->out(); }
  /// Until it is tried again; 0 when it need not be.
  Milliseconds untilProbe() const;
  /// What the worker last said of its way out; empty when it has not been asked yet.
  const HealthReport& lastHealth() const { return health_; }
  /// The age of lastHealth(); none: there is no report yet.
  kj::Maybe<kj::Duration> lastHealthFor() const;

 private:
  class Desk;
  /// Why it cannot be used.
  enum class Trouble { none, worker, way, sickness };
  /// Who says that it is broken: what ends it differs.
  enum class Sick {
    no,
    byOutcome,  // an SMS that is taken ends it
    byHealth,   // the worker itself, which can tell without an SMS
  };

  // What a worker says, by generation.
  void workerReady(unsigned generation, const WorkerTraits& traits, const HealthReport& health);
  void workerReported(unsigned generation, std::vector<AttemptOutcome> outcomes);
  void workerDeclined(unsigned generation);
  void workerGone(unsigned generation, const std::string& why, std::vector<AttemptOutcome> lost,
                  Conduct conduct);
  Leave mayBegin(queue::AttemptId attempt) const;

  void happens(Life::Event event);
  void carryOut(Life::Action action);
  void hire();
  void rest();
  void startOver(const std::string& why);
  void retire();
  void endWorker();
  bool isShutOut() const;
  void workerEnds(unsigned generation, Cause cause);
  void workerStays(unsigned generation);
  void replaceFormer(const std::vector<AttemptOutcome>& outcomes);
  void proven();
  void endDeclined();
  std::vector<AttemptOutcome> notOursToKnow(std::vector<AttemptOutcome> lost, Conduct conduct);
  void sayGone(const std::string& why, int pid, std::size_t lost, Conduct conduct, Life::Action action);

  void askHealth();
  void heard(const HealthReport& health);
  Milliseconds healthRhythm() const;
  /// What is under way with a worker that lives on is asked for this often.
  static constexpr Milliseconds askAgain = std::chrono::milliseconds(500);
  void askInquiry();
  bool outlivesUs() const { return config_.activation == Activation::socket; }

  void record(const std::vector<AttemptOutcome>& outcomes);
  void recordNotUnderstood(const Outcome& outcome, const Breaker::Whose& whose);
  Breaker::Whose ended(queue::AttemptId attempt);
  bool mayTry() const;
  void recordAnswers(const std::vector<AttemptOutcome>& outcomes);
  Resumed tryNow();
  void wayTrouble(const std::string& words);
  void workerTrouble(const std::string& words);
  void forgetTrouble();
  void countToday();
  void count(const AttemptOutcome& one);
  bool working() const {
    return ready_ && !declined_ &&
           (life_.phase() == Life::Phase::fresh || life_.phase() == Life::Phase::proven);
  }
  Breaker::State breaker() const { return breaker_.state(now()); }
  Trouble trouble() const;
  void changed();
  void say(State state);
  void taskFailed(kj::Exception&& exception) override;
  Milliseconds now() const {
    return Milliseconds((timer_.now() - kj::origin<kj::TimePoint>()) / kj::MILLISECONDS);
  }

  kj::Timer& timer_;
  DispatcherConfig config_;
  Quota quota_;
  std::optional<DayCount> dayCount_;  // none: not given, or what is there cannot be read
  bool dayNotKept_ = false;           // the last count could not be written, which was said
  Hire hire_;
  std::size_t index_;
  Events& events_;
  DispatcherEvents& road_;

  Life life_;
  kj::Own<Generation> worker_;
  InFlight inFlight_;  // with that worker
  WorkerTraits traits_;
  bool ready_ = false;     // this generation said so
  bool declined_ = false;  // and then that it takes no more
  bool undecided_ = true;
  bool paused_ = false;              // by the operator
  bool restarting_ = false;          // this generation's end is the operator's will
  bool replacing_ = false;           // and its process with it, which is not ours to end
  Cause cause_ = Cause::other;       // of this generation's end, as it said itself
  bool lastWords_ = false;           // it said so
  bool told_ = false;                // the last generation ended because somebody restarts its unit
  kj::Maybe<kj::TimePoint> goneAt_;  // when the last one that was ready, or was told to end, went
  std::string endWhy_;
  Milliseconds respawnAt_{0};
  Milliseconds failedAt_{0};  // when the last worker could not be had
  bool lookAgain_ = false;    // and that was no breach of the contract
  Breaker breaker_;
  Sick sick_ = Sick::no;
  Counts counts_;
  NotUnderstood notUnderstood_;
  unsigned strikes_ = 0;

  HealthReport health_;
  Milliseconds healthAt_{0};             // when it is asked next
  Milliseconds heardAt_{0};              // when it last reported anything
  kj::Maybe<kj::TimePoint> healthSaid_;  // when health_ came in
  Milliseconds askedAt_{0};
  Inquiry inquiry_;
  std::unordered_set<queue::AttemptId> former_;  // of these, what a predecessor of ours had out

  State lastState_ = State::starting;
  kj::TimePoint changed_;
  std::string workerReason_, wayReason_;  // the last trouble of each sort
  std::string trouble_;                   // the last of both, until an SMS is answered
  kj::TimePoint troubleAt_;
  bool unanswered_ = false;    // the last SMS that was begun was not answered
  bool saidReady_ = false;     // in the journal, and since then
  unsigned saidTroubles_ = 0;  // these: a bit each
  bool unsaidWorker_ = false;  // this generation's worker-ready is owed

  Alarm probe_;
  Alarm respawn_;
  Alarm proving_;
  Alarm declining_;
  Alarm healthDue_;
  Alarm ask_;
  kj::Promise<void> asking_ = nullptr;
  kj::TaskSet tasks_;
};

}  // namespace smsd::keeper
