// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/keeper.h"
#include "common/fault.h"

namespace smsd::keeper {
namespace {

using namespace std::chrono_literals;

// A failure this slow opens the breaker at once, because it kept other SMS waiting. If the timeout is short,
// half of the timeout is used instead.
constexpr Milliseconds dear = 1s;

Hire hireFor(kj::AsyncIoContext& io, const config::DispatcherConfig& config, SpawnPlan plan) {
  return [&io, config, plan = std::move(plan)](WorkerEvents& keeper) -> kj::Own<Generation> {
    auto link = config.activation == config::Activation::socket
                    ? socketLink(io, config.socket, unitOf(config.kind, config.name))
                    : spawnLink(io, plan);
    return kj::heap<Worker>(kj::mv(link), io.provider->getTimer(), config::kindNamed(config.kind),
                            config.startTimeout, config.timeout, keeper);
  };
}

}  // namespace

Keeper::Keeper(kj::AsyncIoContext& io, const config::DispatcherConfig& config, SpawnPlan plan,
               std::size_t index, events::Events& events, DispatcherEvents& road)
    : Keeper(io.provider->getTimer(), config, hireFor(io, config, std::move(plan)), index, events, road) {}

Keeper::Keeper(kj::Timer& timer, const config::DispatcherConfig& config, Hire hire, std::size_t index,
               events::Events& events, DispatcherEvents& road)
    : timer_(timer),
      config_(config),
      hire_(kj::mv(hire)),
      index_(index),
      events_(events),
      road_(road),
      breaker_(std::min(dear, config.timeout / 2)),
      tally_(config.quota),
      reasons_(timer_.now()),
      announcer_(timer_.now()),
      probe_(timer_, [this]() { changed(); }),
      respawn_(timer_, [this]() { happens(Life::Event::start); }),
      proving_(timer_,
               [this]() {
                 proven();
                 changed();
               }),
      declining_(timer_, [this]() { endDeclined(); }),
      healthDue_(timer_, [this]() { askHealth(); }),
      ask_(timer_, [this]() { askInquiry(); }),
      tasks_(*this) {}

const std::string& Keeper::reason() const {
  static const std::string byOperator = "paused by the operator";
  if (paused_) return byOperator;
  if (!life_.ready()) return reasons_.worker();
  return state() == State::ready ? reasons_.trouble() : reasons_.gateway();
}

bool Keeper::usable() const {
  if (!situation().takesSms()) return false;
  switch (breaker()) {
    case delivery::Breaker::State::closed:
      return true;
    case delivery::Breaker::State::open:
      return false;
    case delivery::Breaker::State::halfOpen:
      return worker_->out() == 0;
  }
  return false;
}

/// Allows one probe at a time, and only if SMS that were handed over before leave a place in the window.
bool Keeper::mayTry() const {
  return situation().takesSms() && !inFlight_.probing() &&
         worker_->out() + inquiry_.size() < std::max<std::size_t>(traits_.window, 1);
}

Places Keeper::places() const {
  if (!usable()) return {};
  if (breaker() == delivery::Breaker::State::halfOpen) return {.all = 1, .others = 1};
  // Attempts still in progress in a worker that outlived a connection take places there.
  return inFlight_.places(traits_.window, traits_.backlog, worker_->out() + inquiry_.size(), now());
}

/// An SMS that has not begun comes back if another dispatcher has become better for it.
Leave Keeper::mayBegin(queue::AttemptId attempt) const {
  if (!road_.mayBegin()) return Leave::revoked;
  bool open = breaker() == delivery::Breaker::State::open && !inFlight_.isProbe(attempt);
  return situation().takesSms() && !open ? Leave::granted : Leave::withheld;
}

/// Removes an attempt from those in flight, and returns whose it was.
delivery::Breaker::Whose Keeper::ended(queue::AttemptId attempt) {
  auto one = inFlight_.remove(attempt);
  if (!one) return {};
  auto kind = one->kind == InFlight::Kind::probe ? delivery::Breaker::Whose::Kind::probe
                                                 : delivery::Breaker::Whose::Kind::usual;
  return {std::move(one->recipient), one->rank, delivery::FarEnd::reached, kind};
}

Milliseconds Keeper::untilProbe() const {
  auto until = [this](Milliseconds when) { return std::max(when - now(), Milliseconds(0)); };
  if (life_.phase() == Life::Phase::waiting) return until(respawnAt_);
  if (life_.ready() && sick_ == Sick::byHealth) return until(health_.dueAt());
  if (life_.ready() && breaker() == delivery::Breaker::State::open) return until(breaker_.probeAt());
  return Milliseconds(0);
}

void Keeper::pause() {
  if (std::exchange(paused_, true)) return;
  events_.dispatcherPaused(config_.name);
  changed();
}

Keeper::Resumed Keeper::resume() {
  bool paused = std::exchange(paused_, false);
  if (paused) {
    events_.dispatcherResumed(config_.name);
    announcer_.resumed(state());
  }
  Resumed done = tryNow();
  changed();
  return done == Resumed::nothing && paused ? Resumed::usable : done;
}

/// Ends every wait, because an operator expects that the trouble is over. Forgets no failures.
Keeper::Resumed Keeper::tryNow() {
  if (life_.phase() == Life::Phase::waiting) {
    happens(Life::Event::restart);
    return Resumed::started;
  }
  breaker_.probeNow(now());
  if (!life_.ready()) return Resumed::nothing;
  if (sick_ == Sick::byHealth) {
    healthDue_.in(0ms);
    return Resumed::asked;
  }
  return breaker() == delivery::Breaker::State::closed ? Resumed::nothing : Resumed::probe;
}

void Keeper::reconfigure(kj::AsyncIoContext& io, const config::DispatcherConfig& config, SpawnPlan plan) {
  reconfigure(config, hireFor(io, config, std::move(plan)));
}

void Keeper::reconfigure(const config::DispatcherConfig& config, Hire hire) {
  config_ = config;
  tally_.configure(config.quota);
  hire_ = kj::mv(hire);
  breaker_ = delivery::Breaker(std::min(dear, config.timeout / 2));
  startOver("its configuration has changed");
}

void Keeper::record(const std::vector<delivery::AttemptOutcome>& outcomes) {
  for (auto& one : outcomes) {
    count(one);
    delivery::Breaker::Whose whose = ended(one.attempt);
    if (one.begun == delivery::Begun::no) continue;  // the gateway was not tried
    inFlight_.took(one.waited);
    const delivery::Outcome& outcome = one.outcome;
    bool answered =
        outcome.kind == delivery::OutcomeKind::accepted || outcome.kind == delivery::OutcomeKind::refused;
    if (answered)
      reasons_.answered();
    else
      reasons_.notAnswered(outcome.words, timer_.now());
    if (answered && sick_ == Sick::byOutcome) sick_ = Sick::no;
    if (outcome.kind == delivery::OutcomeKind::broken && sick_ == Sick::no) {
      sick_ = Sick::byOutcome;
      healthDue_.in(0ms);  // the worker may be able to detect the end
    }
    whose.farEnd = outcome.farEnd;
    if (outcome.notUnderstood())
      recordNotUnderstood(outcome, whose);
    else
      breaker_.record(outcome.kind, now(), one.waited, outcome.after, whose);
  }
  changed();
}

/// The operator has to correct the configuration, so one entry is logged, not one for each answer. If no
/// answer at all is understood, the dispatcher counts as broken, because more of its SMS would only be sent
/// twice.
void Keeper::recordNotUnderstood(const delivery::Outcome& outcome, const delivery::Breaker::Whose& whose) {
  if (++notUnderstood_.answers == 1) events_.answerNotUnderstood(config_.name, outcome.words);
  notUnderstood_.last = outcome.words;
  breaker_.recordNotUnderstood(now(), whose);
  if (!breaker_.understandsNothing() || breaker() == delivery::Breaker::State::closed) return;
  reasons_.setGateway("none of its last answers was understood, mend its configuration: " + outcome.words);
  if (sick_ == Sick::no) sick_ = Sick::byOutcome;
}

void Keeper::countIn(const std::filesystem::path& file) {
  if (auto why = tally_.countIn(file)) events_.dayNotKept(config_.name, *why);
}

void Keeper::count(const delivery::AttemptOutcome& one) {
  if (auto why = tally_.count(one.outcome.kind)) events_.dayNotKept(config_.name, *why);
}

/// Updates the journal and notifies the road. Called after anything that may have changed the state.
void Keeper::changed() {
  const Situation situation = this->situation();
  announcer_.becomes(situation.state(), timer_.now());
  if (life_.phase() != Life::Phase::over) announce(situation);
  if (life_.ready() && breaker() == delivery::Breaker::State::open)
    probe_.in((breaker_.openForAllUntil() > now() ? breaker_.openForAllUntil() : breaker_.probeAt()) - now());
  if (life_.phase() != Life::Phase::leaving && life_.phase() != Life::Phase::over)
    road_.dispatcherChanged(index_);
}

void Keeper::announce(const Situation& situation) {
  if (believed()) reasons_.over();
  switch (announcer_.next(situation.trouble(), worker())) {
    case Announcer::Entry::none:
      return;
    case Announcer::Entry::ready:
      return events_.dispatcherReady(config_.name);
    case Announcer::Entry::resting:
      return events_.dispatcherResting(config_.name, reason(), untilProbe());
    case Announcer::Entry::broken:
      return events_.dispatcherBroken(config_.name, reason(), untilProbe());
  }
}

void Keeper::taskFailed(kj::Exception&& exception) {
  reasons_.workerFailed(faultOf(exception), timer_.now());
}

}  // namespace smsd::keeper
