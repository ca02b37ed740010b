// SPDX-License-Identifier: GPL-3.0-or-later
// The part of the keeper that carries out the actions of the table of a worker's life.
#include <system_error>
#include <utility>

#include "supervisor/keeper/keeper.h"

namespace smsd::keeper {
namespace {

using namespace std::chrono_literals;
using Event = Life::Event;
using Action = Life::Action;

// A worker that is ready for this long has proven itself, even if it was given no SMS.
constexpr Milliseconds wellFor = 10s;
// A worker that is being replaced may finish the SMS it has begun within one timeout, but not longer than
// this, because an operator waits for it.
constexpr Milliseconds longestRetirement = 10s;
// A worker that gives SMS back unasked should end once it has finished the others. It is ended if it has not
// done so this long after.
constexpr Milliseconds endsWithin = 5s;
// With something to send, a worker that systemd starts is tried again this soon after a failure.
constexpr Milliseconds looksAgainAfter = 2s;
// systemd needs a moment between the end of a worker and the next connection to its socket. It closes earlier
// connections.
constexpr Milliseconds knocksAgain = 200ms;
constexpr auto reopensWithin = 3 * kj::SECONDS;
// A worker that is not ready yet is requested to quit, and ended if it does not within this time.
constexpr auto quitsWithin = 1 * kj::SECONDS;

}  // namespace

/// Receives the reports of one generation. It lives as long as its worker, and the keeper ignores the reports
/// of a generation that has been replaced.
class Keeper::Desk final : public WorkerEvents {
 public:
  Desk(Keeper& keeper, unsigned generation) : keeper_(keeper), generation_(generation) {}

  void workerReady(const WorkerTraits& traits, const HealthReport& health) override {
    keeper_.workerReady(generation_, traits, health);
  }
  void workerReported(std::vector<delivery::AttemptOutcome> outcomes) override {
    keeper_.workerReported(generation_, std::move(outcomes));
  }
  void workerDeclined() override { keeper_.workerDeclined(generation_); }
  void workerEnds(Cause cause) override { keeper_.workerEnds(generation_, cause); }
  void workerStays() override { keeper_.workerStays(generation_); }
  Leave mayBegin(queue::AttemptId attempt) const override { return keeper_.mayBegin(attempt); }
  void workerGone(const std::string& why, std::vector<delivery::AttemptOutcome> lost,
                  Conduct conduct) override {
    keeper_.workerGone(generation_, why, std::move(lost), conduct);
  }

 private:
  Keeper& keeper_;
  unsigned generation_;
};

void Keeper::start() { happens(Event::start); }

void Keeper::letGo(const std::string& why) {
  endWhy_ = why;
  happens(Event::letGo);
}

void Keeper::restart(const std::string& why) {
  replacing_ = outlivesUs();
  startOver(why);
}

void Keeper::startOver(const std::string& why) {
  auto phase = life_.phase();
  if (phase == Life::Phase::leaving || phase == Life::Phase::over) return;
  endWhy_ = why;
  reasons_.setWorker(why);
  breaker_.close();
  sick_ = Sick::no;
  notUnderstood_ = {};  // the next worker reads its configuration again
  reasons_.answered();
  happens(Event::restart);
}

kj::Promise<void> Keeper::drain() {
  respawn_.cancel();
  bool anything = life_.happens(Event::stop) == Action::drain;
  return anything ? worker_->drain() : kj::Promise<void>(kj::READY_NOW);
}

void Keeper::end() {
  endWhy_ = "smsd stops";
  happens(Event::end);
}

void Keeper::happens(Event event) {
  carryOut(life_.happens(event));
  changed();
}

void Keeper::carryOut(Action action) {
  switch (action) {
    case Action::hire:
      return hire();
    case Action::rest:
      return rest();
    case Action::drain:
      return retire();
    case Action::end:
      return endWorker();
    case Action::again:
      return respawn_.in(knocksAgain);
    case Action::none:
    case Action::retry:
    case Action::welcome:
      return;
  }
}

void Keeper::hire() {
  respawn_.cancel();
  cause_ = Cause::other;
  lastWords_ = replacing_ = false;
  try {
    auto desk = kj::heap<Desk>(*this, life_.generation());
    auto& reports = *desk;
    worker_ = hire_(reports).attach(kj::mv(desk));
  } catch (const std::system_error& e) {
    reasons_.workerFailed(e.what(), timer_.now());
    lookAgain_ = true;
    carryOut(life_.happens(Event::cannotStart));
  }
}

/// Starts the next worker after a wait; there is none until then.
void Keeper::rest() {
  failedAt_ = now();
  respawnAt_ = now() + life_.wait();
  respawn_.in(life_.wait());
}

void Keeper::wanted() {
  if (life_.phase() != Life::Phase::waiting || !outlivesUs() || !lookAgain_ || paused_) return;
  Milliseconds soonest = std::max(failedAt_ + looksAgainAfter, now());
  if (soonest >= respawnAt_) return;
  respawnAt_ = soonest;
  respawn_.in(respawnAt_ - now());
}

void Keeper::retire() {
  Milliseconds patience = std::min(config_.timeout, longestRetirement);
  auto late = timer_.afterDelay(static_cast<std::int64_t>(patience.count()) * kj::MILLISECONDS);
  auto drained = (replacing_ ? worker_->quit() : worker_->drain()).catch_([](kj::Exception&&) {});
  tasks_.add(drained.exclusiveJoin(kj::mv(late)).then([this, generation = life_.generation()]() {
    carryOut(life_.said(generation, Event::drained));
  }));
}

/// Closing a connection does not end the process behind it, so a worker that an operator wants replaced has
/// to quit.
void Keeper::endWorker() {
  const bool wasAsked = life_.ready();  // to quit, by retire()
  if (!replacing_ || wasAsked) return worker_->end(endWhy_);
  auto late = timer_.afterDelay(quitsWithin);
  auto quit = worker_->quit().catch_([](kj::Exception&&) {});
  tasks_.add(quit.exclusiveJoin(kj::mv(late)).then([this, generation = life_.generation()]() {
    if (generation == life_.generation() && worker_.get() != nullptr) worker_->end(endWhy_);
  }));
}

void Keeper::workerEnds(unsigned generation, Cause cause) {
  if (generation != life_.generation()) return;
  cause_ = cause;
  lastWords_ = true;
}

void Keeper::workerStays(unsigned generation) {
  if (generation == life_.generation()) events_.workerStays(config_.name, unitOf(config_.kind, config_.name));
}

/// True if the connection was closed while the process of the last worker was still ending. The worker did
/// not die then, and nothing is at fault.
bool Keeper::isShutOut() const {
  if (!outlivesUs() || lastWords_ || life_.phase() != Life::Phase::starting) return false;
  KJ_IF_MAYBE (at, goneAt_) return timer_.now() - *at < reopensWithin;
  return false;
}

/// Replaces a worker that is older than this smsd when it turns out broken: its file may have been corrected
/// since it was read, and an operator who restarts smsd expects all of it to be fresh.
void Keeper::replaceFormer(const std::vector<delivery::AttemptOutcome>& outcomes) {
  if (!outlivesUs() || traits_.visits < 2 || life_.generation() > 1) return;
  for (auto& one : outcomes)
    if (one.begun == delivery::Begun::yes && one.outcome.kind == delivery::OutcomeKind::broken)
      return restart("its worker was there before smsd, and is replaced by a fresh one: " +
                     one.outcome.words);
}

void Keeper::workerReady(unsigned generation, const WorkerTraits& traits, const HealthReport& health) {
  if (life_.said(generation, Event::ready) != Action::welcome) return;
  traits_ = traits;
  // An operator restarted its unit, probably after a repair, so that the next SMS may be the probe.
  if (std::exchange(told_, false)) breaker_.probeNow(now());
  if (announcer_.workerStarted(worker())) events_.workerReady(config_.name, worker_->pid(), traits.lock);
  proving_.in(wellFor);
  health_.lives(now());
  heard(health);
  if (!inquiry_.empty()) ask_.in(0ms);
  changed();
}

void Keeper::proven() {
  carryOut(life_.happens(Event::served));
  if (announcer_.workerProven()) events_.workerReady(config_.name, worker_->pid(), traits_.lock);
}

void Keeper::workerReported(unsigned generation, std::vector<delivery::AttemptOutcome> outcomes) {
  if (generation != life_.generation() || worker_.get() == nullptr) return;
  health_.lives(now());
  bool served = false;
  for (auto& one : outcomes) served = served || one.begun == delivery::Begun::yes;
  if (served && life_.phase() == Life::Phase::fresh) proven();
  record(outcomes);
  replaceFormer(outcomes);
  road_.dispatcherReported(index_, std::move(outcomes));
}

/// The next worker may take the returned SMS, or another dispatcher may; this worker gets no more.
void Keeper::workerDeclined(unsigned generation) {
  if (life_.declines(generation)) declining_.in(endsWithin);
}

void Keeper::endDeclined() {
  if (!life_.declined()) return;
  if (out() > 0) return declining_.in(endsWithin);
  endWhy_ = "it gave back what it was to send, and did not end";
  happens(Event::hung);
}

void Keeper::workerGone(unsigned generation, const std::string& why,
                        std::vector<delivery::AttemptOutcome> lost, Conduct conduct) {
  if (generation != life_.generation() || worker_.get() == nullptr) return;
  int pid = worker_->pid();
  // This call comes from within a promise of the worker, so that the worker is destroyed at the end of the
  // turn.
  tasks_.add(kj::evalLater([worker = kj::mv(worker_)]() {}));
  asking_ = nullptr;
  proving_.cancel();
  declining_.cancel();
  healthDue_.cancel();
  if (cause_ == Cause::told) told_ = true;
  const bool shutOut = conduct == Conduct::proper && isShutOut();
  const bool restarting = life_.restarting();
  if (life_.ready() || restarting || told_) goneAt_ = timer_.now();
  if (conduct == Conduct::breach) ++strikes_;
  lookAgain_ = conduct != Conduct::breach;
  bool leaving = life_.phase() == Life::Phase::leaving;
  Action action = life_.happens(conduct == Conduct::breach ? Event::breach
                                : shutOut                  ? Event::shutOut
                                                           : Event::gone);
  if (!leaving && (!restarting || conduct == Conduct::breach))
    sayGone(why, pid, lost.size(), conduct, action);
  if (!restarting) reasons_.workerFailed(why, timer_.now());
  lost = notOursToKnow(std::move(lost), conduct);
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
    reasons_.notAnswered(why, timer_.now());
    breaker_.record(delivery::OutcomeKind::unknown, now(), 0ms, 0ms,
                    begun.size() == 1 ? begun.front() : delivery::Breaker::Whose{});
  }
  inFlight_.clear();
  carryOut(action);
  changed();
  road_.dispatcherReported(index_, std::move(lost));
}

/// Returns the attempts that no worker can know any more. A worker behind a socket may still live and know,
/// so the next connection queries it.
std::vector<delivery::AttemptOutcome> Keeper::notOursToKnow(std::vector<delivery::AttemptOutcome> lost,
                                                            Conduct conduct) {
  if (!outlivesUs() || conduct == Conduct::breach) return lost;
  Milliseconds until = now() + config_.timeout + config_.startTimeout;
  for (auto& one : lost) inquiry_.add(one.attempt, one.begun, until);
  if (!lost.empty()) ask_.in(askAgain);
  return {};
}

/// If no worker follows at once, the entry on the dispatcher has the same reason, so the one on the worker is
/// left out unless SMS were in flight.
void Keeper::sayGone(const std::string& why, int pid, std::size_t lost, Conduct conduct, Action action) {
  if (conduct == Conduct::breach)
    events_.contractBroken(config_.name, pid, why, strikes_);
  else if (action == Action::hire || lost > 0)
    events_.workerGone(config_.name, pid, why, lost);
}

}  // namespace smsd::keeper
