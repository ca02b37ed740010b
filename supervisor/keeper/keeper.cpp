// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/keeper.h"

#include <fmt/format.h>

#include "supervisor/config/required-lock.h"
#include "supervisor/delivery/attempt-ids.h"
#include "supervisor/keeper/worker-messages.h"

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
    return kj::heap<Worker>(kj::mv(link), io.provider->getTimer(), config::kindFor(config),
                            config.startTimeout, config.timeout, keeper);
  };
}

}  // namespace

Keeper::Keeper(kj::AsyncIoContext& io, const config::DispatcherConfig& config, SpawnPlan plan,
               std::size_t index, events::EventLog& events, DispatcherEvents& road)
    : Keeper(io.provider->getTimer(), config, hireFor(io, config, std::move(plan)), index, events, road) {}

Keeper::Keeper(kj::Timer& timer, const config::DispatcherConfig& config, Hire hire, std::size_t index,
               events::EventLog& events, DispatcherEvents& road)
    : timer_(timer),
      config_(config),
      index_(index),
      events_(events),
      road_(road),
      breaker_(std::min(dear, config.timeout / 2)),
      tally_(config.quota),
      reasons_(timer_.now()),
      announcer_(timer_.now()),
      workers_(timer_, config_, kj::mv(hire), events_, *this),
      health_(timer_, workers_, *this),
      recalls_(timer_, config_, workers_, *this),
      probe_(timer_, [this]() { changed(); }),
      begins_(timer_, [this]() { watchBegins(); }),
      otherBuildDue_(timer_, [this]() { replaceOtherBuild(); }) {}

const std::string& Keeper::reason() const {
  static const std::string byOperator = "paused by the operator";
  if (paused_) return byOperator;
  if (!workers_.life().ready()) return reasons_.worker();
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
      return out() == 0;
  }
  return false;
}

/// Allows one probe at a time, and only if SMS that were handed over before leave a place in the window.
bool Keeper::mayTry() const {
  return situation().takesSms() && !inFlight_.probing() &&
         out() + recalls_.size() < std::max<std::size_t>(traits().window, 1);
}

Places Keeper::places() const {
  if (!usable()) return {};
  if (breaker() == delivery::Breaker::State::halfOpen) return {.all = 1, .others = 1};
  // Attempts still in progress in a worker that outlived a connection take places there.
  return inFlight_.places(traits().window, traits().backlog, out() + recalls_.size(), now());
}

bool Keeper::stalls(int rank) const {
  const std::size_t window = traits().window - std::min<std::size_t>(traits().window, recalls_.size());
  return inFlight_.stalls(rank, inFlight_.unbegunFor(window, traits().spacing, now()));
}

/// Only a worker that holds as many unbegun SMS as it may gets new places by a begin.
void Keeper::workerBegan(const std::vector<queue::AttemptId>& attempts) {
  const bool hadNoPlace = inFlight_.ahead(now()) == 0;
  for (auto attempt : attempts) inFlight_.begin(attempt, now());
  if (hadNoPlace) road_.dispatcherChanged(index_);
}

/// A worker that begins nothing may report nothing either, so the road looks again by itself.
void Keeper::watchBegins() {
  if (inFlight_.unbegun() == 0) return;
  begins_.in(InFlight::quick);
  if (stalls(INT_MIN)) road_.dispatcherChanged(index_);
}

/// An SMS that has not begun comes back if another dispatcher has become better for it.
Leave Keeper::mayBegin(queue::AttemptId attempt) const {
  if (!road_.mayBegin()) return Leave::revoked;
  bool open = breaker() == delivery::Breaker::State::open && !inFlight_.isProbe(attempt);
  return situation().takesSms() && !open ? Leave::granted : Leave::withheld;
}

void Keeper::dispatch(const std::vector<const queue::Submission*>& batch) {
  workers_.worker().dispatch(batch);
  auto kind = breaker() == delivery::Breaker::State::closed ? InFlight::Kind::usual : InFlight::Kind::probe;
  for (auto* submission : batch) {
    // Each test SMS counts as one to a new recipient, even if an operator repeats it.
    const bool isTest = isIn(delivery::AttemptRange::testSms, submission->attempt);
    inFlight_.add(submission->attempt, {now(), rankOf(submission->severity),
                                        isTest ? std::string() : submission->recipient, kind});
  }
  if (!begins_.isSet()) begins_.in(InFlight::quick);
  health_.dispatched();
}

/// Removes an attempt from those in flight, and returns whose it was.
delivery::Breaker::Whose Keeper::ended(queue::AttemptId attempt) {
  auto one = inFlight_.remove(attempt, traits().window, now());
  if (!one) return {};
  auto kind = one->kind == InFlight::Kind::probe ? delivery::Breaker::Whose::Kind::probe
                                                 : delivery::Breaker::Whose::Kind::usual;
  return {std::move(one->recipient), one->rank, delivery::Reached::yes, kind};
}

Milliseconds Keeper::untilProbe() const {
  auto until = [this](Milliseconds when) { return std::max(when - now(), Milliseconds(0)); };
  if (auto when = workers_.waitsUntil()) return until(*when);
  if (workers_.life().ready() && sick_ == Sick::byHealth) return until(health_.watch().dueAt());
  if (workers_.life().ready() && breaker() == delivery::Breaker::State::open)
    return until(breaker_.probeAt());
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
  if (workers_.startNow()) return Resumed::started;
  breaker_.probeNow(now());
  if (!workers_.life().ready()) return Resumed::nothing;
  if (sick_ == Sick::byHealth) {
    health_.queryNow();
    return Resumed::asked;
  }
  return breaker() == delivery::Breaker::State::closed ? Resumed::nothing : Resumed::probe;
}

void Keeper::restart(const std::string& why) {
  workers_.replaceProcess();
  startOver(why);
}

void Keeper::startOver(const std::string& why) {
  const auto phase = workers_.life().phase();
  if (phase == Life::Phase::leaving || phase == Life::Phase::over) return;
  reasons_.setWorker(why);
  breaker_.close();
  sick_ = Sick::no;
  notUnderstood_ = {};  // the next worker reads its configuration again
  reasons_.repaired();
  workers_.restart(why);
}

void Keeper::reconfigure(kj::AsyncIoContext& io, const config::DispatcherConfig& config, SpawnPlan plan) {
  reconfigure(config, hireFor(io, config, std::move(plan)));
}

void Keeper::reconfigure(const config::DispatcherConfig& config, Hire hire) {
  config_ = config;
  tally_.configure(config.quota);
  workers_.use(kj::mv(hire));
  breaker_ = delivery::Breaker(std::min(dear, config.timeout / 2));
  startOver("its configuration has changed");
}

void Keeper::workerReady(const HealthReport& health, Before before) {
  // An operator restarted its unit, probably after a repair, so that the next SMS may be the probe.
  if (before == Before::toldToEnd) breaker_.probeNow(now());
  if (announcer_.workerStarted(reputation()))
    events_.workerReady(config_.name, pid(), traits().lock, otherBuild());
  health_.workerLives();
  heard(health);
  recalls_.workerReady();
  changed();
  otherBuildDue_.in(0ms);
}

void Keeper::inquire(const std::vector<const queue::Submission*>& former) {
  recalls_.findFormer(former);
  otherBuildDue_.in(0ms);
}

void Keeper::workerProven() {
  if (announcer_.workerProven()) events_.workerReady(config_.name, pid(), traits().lock, otherBuild());
}

void Keeper::workerReported(std::vector<delivery::AttemptOutcome> outcomes) {
  health_.workerLives();
  record(outcomes);
  replaceFormer(outcomes);
  road_.dispatcherReported(index_, std::move(outcomes));
}

/// Replaces a worker that is older than this smsd when it turns out broken: its file may have been corrected
/// since it was read, and an operator who restarts smsd expects all of it to be fresh.
void Keeper::replaceFormer(const std::vector<delivery::AttemptOutcome>& outcomes) {
  if (!workers_.isFormer()) return;
  for (auto& one : outcomes)
    if (one.begun == delivery::Begun::yes && one.outcome.kind == delivery::OutcomeKind::broken)
      return restart("its worker was running before smsd started, and is replaced by a fresh one: " +
                     one.outcome.words);
}

std::string Keeper::otherBuild() const {
  return isOtherBuild(config_.kind, traits().software) ? traits().software : "";
}

/// After an upgrade, a worker that was running before is replaced, once. Its fresh process may still be of
/// another build, if its package was not upgraded. First it has to answer for the attempts that it remembers.
void Keeper::replaceOtherBuild() {
  if (otherBuildReplaced_ || !recalls_.complete() || !workers_.life().ready() || !workers_.servedBefore())
    return;
  const std::string other = otherBuild();
  if (other.empty()) return;
  otherBuildReplaced_ = true;
  restart(
      fmt::format("its worker is of another build than smsd ({}), and is replaced by a fresh one", other));
}

std::vector<delivery::AttemptOutcome> Keeper::workerGone(Gone gone) {
  recalls_.workerGone();
  health_.workerGone();
  if (gone.because != Gone::Because::restarting) reasons_.workerEnded(gone.why, timer_.now());
  auto lost = std::move(gone.lost);
  // A worker behind a socket may still live and know, so the next connection queries it.
  if (workers_.outlivesUs() && gone.conduct != Conduct::breach) recalls_.find(std::exchange(lost, {}));
  std::vector<delivery::Breaker::Whose> begun;
  for (auto& one : lost) {
    count(one);
    delivery::Breaker::Whose whose = ended(one.attempt);
    if (one.begun == delivery::Begun::yes) begun.push_back(std::move(whose));
  }
  if (!begun.empty()) {
    // A worker that dies with each SMS counts as failing, however fast it is replaced. The wait passed is 0,
    // because how long the worker hung proves nothing about the gateway, and a fresh worker follows. With a
    // single SMS in progress its text may be the cause.
    reasons_.notAnswered(gone.why, timer_.now());
    breaker_.record(delivery::OutcomeKind::unknown, now(), 0ms, 0ms,
                    begun.size() == 1 ? begun.front() : delivery::Breaker::Whose{});
  }
  inFlight_.clear();
  return lost;
}

void Keeper::workerReplaced(std::vector<delivery::AttemptOutcome> outcomes) {
  changed();
  road_.dispatcherReported(index_, std::move(outcomes));
}

void Keeper::healthReported(const HealthReport& health) {
  heard(health);
  changed();
}

/// A worker that can detect that its dispatcher is broken is trusted when it reports that it works again. One
/// with less of a lock than its entry requires stays broken whatever it reports.
void Keeper::heard(HealthReport health) {
  if (auto lacks = config::lacksOfLock(config_.requireLock, traits().lock); !lacks.empty())
    health.broken = std::move(lacks);
  if (!health.broken.empty()) {
    sick_ = Sick::byHealth;
    reasons_.gatewayFailed(health.broken, timer_.now());
  } else if (sick_ == Sick::byHealth) {
    sick_ = Sick::no;
    breaker_.close();
  }
  health_.reported(health);
}

/// Keeps outcomes of an earlier smsd's SMS from the breaker. Their cause may be long over, and an operator
/// who repairs a dispatcher and restarts smsd must not wait for a probe.
void Keeper::attemptsFound(std::vector<delivery::AttemptOutcome> found) {
  std::vector<delivery::AttemptOutcome> ours;
  for (auto& one : found)
    if (recalls_.takeFormer(one.attempt))
      count(one);
    else
      ours.push_back(one);
  if (!ours.empty()) record(ours);
  road_.dispatcherReported(index_, std::move(found));
  otherBuildDue_.in(0ms);
}

void Keeper::attemptsLost(std::vector<delivery::AttemptOutcome> lost) {
  for (auto& one : lost) count(one);
  road_.dispatcherReported(index_, std::move(lost));
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
      health_.queryNow();  // the worker may be able to detect the end
    }
    whose.reached = outcome.reached;
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
  reasons_.setGateway("its configuration covers none of the gateway's last answers, correct it: " +
                      outcome.words);
  if (sick_ == Sick::no) sick_ = Sick::byOutcome;
}

void Keeper::countIn(const std::filesystem::path& file) {
  if (auto why = tally_.countIn(file)) events_.dayNotKept(config_.name, *why);
}

void Keeper::count(const delivery::AttemptOutcome& one) {
  workers_.ended(one.attempt);
  if (auto why = tally_.count(one.outcome.kind)) events_.dayNotKept(config_.name, *why);
}

/// Updates the journal and notifies the road. Called after anything that may have changed the state.
void Keeper::changed() {
  const DispatcherSituation situation = this->situation();
  announcer_.becomes(situation.state(), timer_.now());
  const auto phase = workers_.life().phase();
  if (phase != Life::Phase::over) announce(situation);
  if (workers_.life().ready() && breaker() == delivery::Breaker::State::open)
    probe_.in((breaker_.openForAllUntil() > now() ? breaker_.openForAllUntil() : breaker_.probeAt()) - now());
  if (phase != Life::Phase::leaving && phase != Life::Phase::over) road_.dispatcherChanged(index_);
}

void Keeper::announce(const DispatcherSituation& situation) {
  if (believed()) reasons_.over();
  switch (announcer_.next(situation.trouble(), reputation())) {
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

}  // namespace smsd::keeper
