#include "supervisor/keeper/keeper.h"

#include <fmt/format.h>

#include <system_error>

namespace smsd::keeper {
namespace {

using namespace std::chrono_literals;

// A worker that dies before it served anything would do so again: each time it waits longer.
constexpr Backoff throttling{1s, 2, 60s};
// What is under way with a worker that lives on is asked for this often.
constexpr Milliseconds askAgain = 500ms;
// How the worker is, it is asked more often while it has work.
constexpr Milliseconds healthWhileBusy = 5s, healthWhileIdle = 60s;
// A worker that gives way to a fresh one may finish what it has begun for as long as an attempt takes, but an
// operator waits for it.
constexpr Milliseconds longestRetirement = 10s;

Hire hireFor(kj::AsyncIoContext& io, const DispatcherConfig& config, SpawnPlan plan) {
  return [&io, config, plan = std::move(plan)](WorkerEvents& keeper) -> kj::Own<Generation> {
    auto link = config.activation == Activation::socket ? socketLink(io, config.socket) : spawnLink(io, plan);
    return kj::heap<Worker>(kj::mv(link), io.provider->getTimer(), config.startTimeout, config.timeout,
                            keeper);
  };
}

}  // namespace

Keeper::Keeper(kj::AsyncIoContext& io, const DispatcherConfig& config, SpawnPlan plan, std::size_t index,
               Events& events, DispatcherEvents& road)
    : Keeper(io.provider->getTimer(), config, hireFor(io, config, std::move(plan)), index, events, road) {}

Keeper::Keeper(kj::Timer& timer, const DispatcherConfig& config, Hire hire, std::size_t index, Events& events,
               DispatcherEvents& road)
    : timer_(timer),
      config_(config),
      hire_(kj::mv(hire)),
      index_(index),
      events_(events),
      road_(road),
      changed_(timer_.now()),
      probe_(timer_, [this]() { road_.dispatcherChanged(index_); }),
      respawn_(timer_, [this]() { spawn(); }),
      ask_(timer_, [this]() { ask(); }),
      healthDue_(timer_, [this]() { askHealth(); }),
      tasks_(*this) {}

void Keeper::start() { spawn(); }

State Keeper::state() const {
  if (paused_) return State::paused;
  if (retiring_) return State::starting;
  if (ready_) {
    if (breaker_.state(now()) == Breaker::State::closed) return State::ready;
    return sickness_ ? State::broken : State::resting;
  }
  return worker_.get() == nullptr ? State::resting : State::starting;
}

bool Keeper::usable() const {
  if (!ready_ || stopping_ || paused_ || retiring_) return false;
  switch (breaker_.state(now())) {
    case Breaker::State::closed:
      return true;
    case Breaker::State::open:
      return false;
    case Breaker::State::halfOpen:
      return worker_->out() == 0;
  }
  return false;
}

std::size_t Keeper::room() const {
  if (!usable()) return 0;
  if (breaker_.state(now()) == Breaker::State::halfOpen) return 1;  // the probe
  // What a worker that outlived a connection still has under way takes room there.
  return capacity() - std::min(capacity(), worker_->out() + inquiry_.size());
}

Milliseconds Keeper::untilProbe() const {
  Milliseconds at = ready_ ? breaker_.probeAt() : respawnAt_;
  bool waits = ready_ ? breaker_.state(now()) == Breaker::State::open : worker_.get() == nullptr;
  return waits ? std::max(at - now(), Milliseconds(0)) : Milliseconds(0);
}

const std::string& Keeper::reason() const {
  static const std::string byOperator = "paused by the operator";
  return paused_ ? byOperator : reason_;
}

void Keeper::dispatch(const std::vector<const queue::Submission*>& batch) {
  worker_->dispatch(batch);
  healthDue_.notLaterThan(timer_.now() + std::int64_t(healthWhileBusy.count()) * kj::MILLISECONDS);
}

void Keeper::pause() {
  if (std::exchange(paused_, true)) return;
  changed();
}

void Keeper::resume() {
  if (!std::exchange(paused_, false)) return;
  breaker_.probeNow(now());
  events_.dispatcherResumed(config_.name);
  if (state() == State::ready) {  // one entry for one change
    lastState_ = State::ready;
    changed_ = timer_.now();
  }
  changed();
}

void Keeper::forget() {
  breaker_.close();
  sickness_ = false;
  earlyDeaths_ = 0;
}

void Keeper::restart(const std::string& why) {
  if (stopping_ || retiring_) return;
  forget();
  if (worker_.get() == nullptr) {
    respawn_.cancel();
    return spawn();
  }
  retiring_ = true;
  changed();
  if (!ready_) return worker_->end(why);
  Milliseconds patience = std::min(config_.timeout, longestRetirement);
  auto late = timer_.afterDelay(patience.count() * kj::MILLISECONDS);
  tasks_.add(worker_->drain()
                 .catch_([](kj::Exception&&) {})
                 .exclusiveJoin(kj::mv(late))
                 .then([this, why, generation = starts_]() {
                   if (generation == starts_ && worker_.get() != nullptr) worker_->end(why);
                 }));
}

kj::Promise<void> Keeper::drain() {
  stopping_ = true;
  respawn_.cancel();
  if (worker_.get() == nullptr || !ready_) return kj::READY_NOW;
  return worker_->drain();
}

void Keeper::end() {
  stopping_ = true;
  if (worker_.get() != nullptr) worker_->end("smsd stops");
}

void Keeper::spawn() {
  if (stopping_) return;
  ready_ = served_ = false;
  ++starts_;
  try {
    worker_ = hire_(*this);
  } catch (const std::system_error& e) {
    ++earlyDeaths_;
    throttle(e.what());
  }
  changed();
}

/// No worker now; the next one starts when the wait is over.
void Keeper::throttle(const std::string& why) {
  worker_ = nullptr;
  reason_ = why;
  Milliseconds wait = throttling.after(earlyDeaths_);
  respawnAt_ = now() + wait;
  respawn_.in(wait);
  undecided_ = false;
}

void Keeper::workerReady(const WorkerTraits& traits) {
  traits_ = traits;
  ready_ = true;
  undecided_ = false;
  events_.workerReady(config_.name, worker_->pid(), traits.lock);
  if (!inquiry_.empty()) ask_.in(0ms);
  healthDue_.in(0ms);
  changed();
}

void Keeper::workerReported(std::vector<AttemptOutcome> outcomes) {
  served_ = true;
  earlyDeaths_ = 0;
  record(outcomes);
  road_.dispatcherReported(index_, std::move(outcomes));
}

void Keeper::workerGone(const std::string& why, std::vector<AttemptOutcome> lost, bool breach) {
  int pid = worker_->pid();
  // We are called from within the worker's own promise: it goes at the end of the turn.
  tasks_.add(kj::evalLater([worker = kj::mv(worker_)]() {}));
  asking_ = nullptr;
  bool served = std::exchange(served_, false);
  bool retired = std::exchange(retiring_, false);
  ready_ = false;
  healthDue_.cancel();
  undecided_ = false;
  if (breach) ++strikes_;
  if (!stopping_ && !(retired && !breach)) {
    if (breach)
      events_.contractBroken(config_.name, pid, why, strikes_);
    else
      events_.workerGone(config_.name, pid, why, lost.size());
  }
  reason_ = why;
  if (outlivesUs() && !breach) {
    // The worker may live, and know: the next connection asks it.
    Milliseconds until = now() + config_.timeout + config_.startTimeout;
    for (auto& one : lost) inquiry_.add(one.attempt, one.begun, until);
    if (!lost.empty()) ask_.in(askAgain);
    lost.clear();
  }
  // One that dies with whatever it is given is sick, however fast it is replaced.
  bool begun = false;
  for (auto& one : lost) {
    ++(one.begun == Begun::yes ? counts_.unknown : counts_.deferred);
    begun = begun || one.begun == Begun::yes;
  }
  if (begun) breaker_.record(OutcomeKind::unknown, now());
  if (!stopping_) {
    if ((served || retired) && !breach) {
      spawn();
    } else {
      ++earlyDeaths_;
      throttle(why);
      changed();
    }
  }
  road_.dispatcherReported(index_, std::move(lost));
}

void Keeper::inquire(const std::vector<queue::AttemptId>& attempts) {
  Milliseconds until = now() + config_.timeout + config_.startTimeout;
  for (auto attempt : attempts) inquiry_.add(attempt, Begun::yes, until);
  ask_.in(0ms);
}

/// Asks the worker that is there now; again and again while something is under way with it, or while there is
/// none.
void Keeper::ask() {
  auto known = outlivesUs() ? inquiry_.expired(now())
                            : inquiry_.giveUp("its supervisor is gone, and its worker with it");
  for (auto& one : known) ++(one.begun == Begun::yes ? counts_.unknown : counts_.deferred);
  if (!known.empty()) road_.dispatcherReported(index_, std::move(known));
  if (inquiry_.empty()) return;
  if (!ready_) return ask_.in(askAgain);
  auto asked = inquiry_.open();
  asking_ = worker_->recall(asked)
                .then([this, asked](std::vector<Recalled> recalled) {
                  auto outcomes = inquiry_.answered(asked, std::move(recalled));
                  if (!inquiry_.empty()) ask_.in(askAgain);
                  if (outcomes.empty()) return;
                  record(outcomes);
                  road_.dispatcherReported(index_, std::move(outcomes));
                })
                .eagerlyEvaluate([this](kj::Exception&&) { ask_.in(askAgain); });
}

void Keeper::askHealth() {
  if (!ready_) return;
  tasks_.add(worker_->health().then(
      [this, generation = starts_](HealthReport report) {
        if (generation != starts_ || !ready_) return;
        health_ = std::move(report);
        healthDue_.in(worker_->out() > 0 ? healthWhileBusy : healthWhileIdle);
      },
      [this, generation = starts_](kj::Exception&& e) {
        if (generation != starts_ || !ready_ || e.getType() == kj::Exception::Type::DISCONNECTED) return;
        worker_->end("it did not answer when it was asked how it is: it hangs");
      }));
}

void Keeper::record(const std::vector<AttemptOutcome>& outcomes) {
  for (auto& [attempt, outcome, begun] : outcomes) {
    switch (outcome.kind) {
      case OutcomeKind::accepted:
        ++counts_.accepted;
        break;
      case OutcomeKind::refused:
        ++counts_.refused;
        break;
      case OutcomeKind::deferred:
        ++counts_.deferred;
        break;
      case OutcomeKind::broken:
        ++counts_.broken;
        break;
      case OutcomeKind::unknown:
        ++counts_.unknown;
        break;
    }
    if (begun == Begun::no) continue;  // the far end was not asked
    if (outcome.kind == OutcomeKind::broken) sickness_ = true;
    if (outcome.kind == OutcomeKind::accepted || outcome.kind == OutcomeKind::refused)
      sickness_ = false;
    else
      reason_ = outcome.words;
    breaker_.record(outcome.kind, now());
  }
  changed();
}

/// After anything that may have moved the state: one entry for each change of it, and the road is told.
void Keeper::changed() {
  State state = this->state();
  if (state != lastState_) {
    lastState_ = state;
    changed_ = timer_.now();
    if (state == State::ready) {
      reason_.clear();
      events_.dispatcherReady(config_.name);
    } else if (state == State::resting) {
      events_.dispatcherResting(config_.name, reason_, untilProbe());
    } else if (state == State::paused) {
      events_.dispatcherPaused(config_.name);
    } else if (state == State::broken) {
      events_.dispatcherBroken(config_.name, reason_, untilProbe());
    }
  }
  if (ready_ && breaker_.state(now()) == Breaker::State::open) probe_.in(untilProbe());
  if (!stopping_) road_.dispatcherChanged(index_);
}

void Keeper::taskFailed(kj::Exception&& exception) { reason_ = exception.getDescription().cStr(); }

}  // namespace smsd::keeper
