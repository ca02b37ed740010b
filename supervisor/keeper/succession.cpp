// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/succession.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "common/fault.h"
#include "supervisor/config/kinds.h"
#include "supervisor/keeper/discretion.h"
#include "supervisor/keeper/link.h"

namespace smsd::keeper {
namespace {

using namespace std::chrono_literals;
using Event = Life::Event;
using Action = Life::Action;
using Phase = Life::Phase;

// A worker that is ready for this long has proven itself, even if it was given no SMS.
constexpr Milliseconds wellFor = 10s;
// A worker that is being replaced may finish the SMS it has begun within one timeout, but not longer than
// this, because an operator waits for it.
constexpr Milliseconds longestDrain = 10s;
// A worker that gives SMS back unasked should end once it has finished the others. It is ended if it has not
// done so this long after.
constexpr Milliseconds endsWithin = 5s;
// systemd needs a moment between the end of a worker and the next connection to its socket. It closes earlier
// connections.
constexpr Milliseconds knocksAgain = 200ms;
// A worker that is not ready yet is requested to quit, and ended if it does not within this time.
constexpr auto quitsWithin = 1 * kj::SECONDS;

}  // namespace

/// Receives the reports of one generation. It lives as long as its worker.
class Succession::ReportReceiver final : public WorkerEvents {
 public:
  ReportReceiver(Succession& succession, unsigned generation)
      : succession_(succession), generation_(generation) {}

  void workerReady(const WorkerTraits& traits, const HealthReport& health) override {
    succession_.workerReady(generation_, traits, health);
  }
  void workerReported(std::vector<delivery::AttemptOutcome> outcomes) override {
    succession_.workerReported(generation_, std::move(outcomes));
  }
  void workerDeclined() override {
    if (succession_.life_.declines(generation_)) succession_.declining_.in(endsWithin);
  }
  void workerBegan(const std::vector<queue::AttemptId>& attempts) override {
    if (isPresent()) succession_.keeper_.workerBegan(attempts);
  }
  void workerEnds(Cause cause) override {
    if (isPresent()) succession_.end_.announced(cause);
  }
  void workerStays() override {
    const auto& config = succession_.config_;
    if (isPresent()) succession_.log_.workerStays(config.name, unitOf(config.kind, config.name));
  }
  Leave mayBegin(queue::AttemptId attempt) const override { return succession_.keeper_.mayBegin(attempt); }
  void workerGone(const std::string& why, std::vector<delivery::AttemptOutcome> lost,
                  Conduct conduct) override {
    succession_.workerGone(generation_, {why, std::move(lost), conduct});
  }

 private:
  bool isPresent() const { return generation_ == succession_.life_.generation(); }

  Succession& succession_;
  unsigned generation_;
};

Succession::Succession(kj::Timer& timer, const config::DispatcherConfig& config, Hire hire,
                       events::EventLog& log, SuccessionEvents& keeper)
    : timer_(timer),
      config_(config),
      hire_(kj::mv(hire)),
      log_(log),
      keeper_(keeper),
      respawn_(timer_, [this]() { happens(Event::start); }),
      proving_(timer_,
               [this]() {
                 proven();
                 keeper_.changed();
               }),
      declining_(timer_, [this]() { endDeclined(); }),
      tasks_(*this) {}

void Succession::wanted() {
  if (life_.phase() != Phase::waiting || !outlivesUs()) return;
  if (auto sooner = next_.wanted(now())) respawn_.in(*sooner - now());
}

bool Succession::startNow() {
  if (life_.phase() != Phase::waiting) return false;
  happens(Event::restart);
  return true;
}

void Succession::restart(const std::string& why) {
  end_.because(why);
  happens(Event::restart);
}

void Succession::restartNow(const std::string& why) {
  end_.because(why);
  happens(Event::restartNow);
}

void Succession::hangs(unsigned generation, const std::string& why) {
  end_.because(why);
  if (generation == life_.generation()) hung_ = true;
  carryOut(life_.said(generation, Event::hung));
  keeper_.changed();
}

kj::Promise<void> Succession::drain() {
  respawn_.cancel();
  bool anything = life_.happens(Event::stop) == Action::drain;
  return anything ? worker().drain() : kj::Promise<void>(kj::READY_NOW);
}

void Succession::end() {
  end_.because("smsd stops");
  happens(Event::end);
}

std::optional<Milliseconds> Succession::waitsUntil() const {
  if (life_.phase() != Phase::waiting) return std::nullopt;
  return next_.at();
}

void Succession::happens(Event event) {
  carryOut(life_.happens(event));
  keeper_.changed();
}

void Succession::carryOut(Action action) {
  switch (action) {
    case Action::hire:
      return hire();
    case Action::wait:
      return startLater();
    case Action::drain:
      return drainWorker();
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

void Succession::hire() {
  KJ_REQUIRE(worker_.get() == nullptr, "a worker was hired while another one was there");
  respawn_.cancel();
  end_.hired();
  hung_ = false;
  try {
    auto receiver = kj::heap<ReportReceiver>(*this, life_.generation());
    auto& reports = *receiver;
    const auto details =
        config::isBuiltIn(config_.kind) ? Discretion::Details::shown : Discretion::Details::hidden;
    worker_ = kj::heap<Discretion>(hire_, given_, details, reports).attach(kj::mv(receiver));
  } catch (const std::system_error& e) {
    end_.cannotStart();
    ends_.count(EndCause::notStarted);
    next_.failed(NextStart::After::failure);
    keeper_.workerFailed(e.what());
    carryOut(life_.happens(Event::cannotStart));
  }
}

/// Starts the next worker after a wait; there is none until then.
void Succession::startLater() {
  next_.wait(now(), life_.wait());
  respawn_.in(life_.wait());
}

void Succession::drainWorker() {
  Milliseconds patience = std::min(config_.timeout, longestDrain);
  auto late = timer_.afterDelay(static_cast<std::int64_t>(patience.count()) * kj::MILLISECONDS);
  auto drained = (end_.quits() ? worker().quit() : worker().drain()).catch_([](kj::Exception&&) {});
  tasks_.add(drained.exclusiveJoin(kj::mv(late)).then([this, generation = life_.generation()]() {
    carryOut(life_.said(generation, Event::drained));
  }));
}

/// Closing a connection does not end the process behind it, so a worker that an operator wants replaced has
/// to quit.
void Succession::endWorker() {
  const bool wasAsked = life_.ready();  // to quit, by drainWorker()
  if (!end_.quits() || wasAsked) return worker().end(end_.why());
  auto late = timer_.afterDelay(quitsWithin);
  auto quit = worker().quit().catch_([](kj::Exception&&) {});
  tasks_.add(quit.exclusiveJoin(kj::mv(late)).then([this, generation = life_.generation()]() {
    if (generation == life_.generation() && worker_.get() != nullptr) worker_->end(end_.why());
  }));
}

void Succession::workerReady(unsigned generation, const WorkerTraits& traits, const HealthReport& health) {
  if (life_.said(generation, Event::ready) != Action::welcome) return;
  traits_ = traits;
  proving_.in(wellFor);
  keeper_.workerReady(
      health, end_.takeTold() ? SuccessionEvents::Before::toldToEnd : SuccessionEvents::Before::other);
}

void Succession::proven() {
  carryOut(life_.happens(Event::served));
  keeper_.workerProven();
}

void Succession::workerReported(unsigned generation, std::vector<delivery::AttemptOutcome> outcomes) {
  if (generation != life_.generation() || worker_.get() == nullptr) return;
  const bool served = std::any_of(outcomes.begin(), outcomes.end(),
                                  [](const auto& one) { return one.begun == delivery::Begun::yes; });
  if (served && life_.phase() == Phase::fresh) proven();
  keeper_.workerReported(std::move(outcomes));
}

/// The next worker may take the returned SMS, or another dispatcher may; this worker gets no more.
void Succession::endDeclined() {
  if (!life_.declined()) return;
  if (out() > 0) return declining_.in(endsWithin);
  end_.because("it gave back its SMS, and did not end");
  hung_ = true;
  happens(Event::hung);
}

Event Succession::eventOf(Conduct conduct) const {
  if (conduct == Conduct::breach) return Event::breach;
  const bool shutOut = outlivesUs() && life_.phase() == Phase::starting && end_.isShutOut(now());
  return shutOut ? Event::shutOut : Event::gone;
}

EndCause Succession::causeOf(Conduct conduct) const {
  if (conduct == Conduct::breach) return EndCause::contract;
  if (hung_) return EndCause::hung;
  if (life_.restarting() || life_.phase() == Phase::leaving) return EndCause::requested;
  return life_.ready() ? EndCause::died : EndCause::notStarted;
}

void Succession::workerGone(unsigned generation, SuccessionEvents::Gone gone) {
  if (generation != life_.generation() || worker_.get() == nullptr) return;
  const int pid = worker_->pid();
  // This call comes from within a promise of the worker, so that the worker is destroyed at the end of the
  // turn.
  tasks_.add(kj::evalLater([worker = kj::mv(worker_)]() {}));
  proving_.cancel();
  declining_.cancel();
  const bool breach = gone.conduct == Conduct::breach;
  const bool leaving = life_.phase() == Phase::leaving;
  if (life_.restarting()) gone.because = SuccessionEvents::Gone::Because::restarting;
  const auto was = life_.ready() || life_.restarting() ? WorkerEnd::Was::used : WorkerEnd::Was::unused;
  const Life::Event event = eventOf(gone.conduct);
  if (event != Event::shutOut) ends_.count(causeOf(gone.conduct));
  const Action action = life_.happens(event);
  end_.gone(now(), was);
  next_.failed(breach ? NextStart::After::breach : NextStart::After::failure);
  if (breach) ++strikes_;
  if (!leaving) logGone(gone, pid, action);
  auto outcomes = keeper_.workerGone(std::move(gone));
  carryOut(action);
  keeper_.workerReplaced(std::move(outcomes));
}

/// If no worker follows at once, the entry on the dispatcher has the same reason, so the one on the worker is
/// left out unless SMS were in flight.
void Succession::logGone(const SuccessionEvents::Gone& gone, int pid, Action action) {
  if (gone.conduct == Conduct::breach)
    log_.contractBroken(config_.name, pid, gone.why, strikes_);
  else if (gone.because == SuccessionEvents::Gone::Because::itself &&
           (action == Action::hire || !gone.lost.empty()))
    log_.workerGone(config_.name, pid, gone.why, gone.lost.size());
}

void Succession::taskFailed(kj::Exception&& exception) { keeper_.workerFailed(faultOf(exception)); }

}  // namespace smsd::keeper
