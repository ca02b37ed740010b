// The part of the keeper that carries out what the table of a worker's life says.
#include <system_error>
#include <utility>

#include "supervisor/keeper/keeper.h"

namespace smsd::keeper {
namespace {

using namespace std::chrono_literals;
using Event = Life::Event;
using Action = Life::Action;

// A worker that is ready for so long has proven itself, even where nobody had an SMS for it.
constexpr Milliseconds wellFor = 10s;
// A worker that gives way to a fresh one may finish what it has begun for as long as an attempt takes, but an
// operator waits for it.
constexpr Milliseconds longestRetirement = 10s;
// A worker that gives back what it was to send ends as soon as it has finished the rest, at the latest after
// this.
constexpr Milliseconds endsWithin = 5s;
// With something to send, a worker that systemd starts is looked for this soon after it could not be had.
constexpr Milliseconds looksAgainAfter = 2s;
// systemd needs a moment between the end of a worker and the next connection to its socket; what connects
// before is hung up on.
constexpr Milliseconds knocksAgain = 200ms;
constexpr auto reopensWithin = 3 * kj::SECONDS;
// A worker that has not said yet that it is ready is told to quit, and ended when it does not.
constexpr auto quitsWithin = 1 * kj::SECONDS;

}  // namespace

/// Where one generation reports to. It lives as long as its worker does: what that one still says when
/// another has its place is not heard.
class Keeper::Desk final : public WorkerEvents {
 public:
  Desk(Keeper& keeper, unsigned generation) : keeper_(keeper), generation_(generation) {}

  void workerReady(const WorkerTraits& traits, const HealthReport& health) override {
    keeper_.workerReady(generation_, traits, health);
  }
  void workerReported(std::vector<AttemptOutcome> outcomes) override {
    keeper_.workerReported(generation_, std::move(outcomes));
  }
  void workerDeclined() override { keeper_.workerDeclined(generation_); }
  void workerEnds(Cause cause) override { keeper_.workerEnds(generation_, cause); }
  void workerStays() override { keeper_.workerStays(generation_); }
  Leave mayBegin(queue::AttemptId attempt) const override { return keeper_.mayBegin(attempt); }
  void workerGone(const std::string& why, std::vector<AttemptOutcome> lost, Conduct conduct) override {
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
  restarting_ = worker_.get() != nullptr;
  endWhy_ = workerReason_ = why;
  breaker_.close();
  sick_ = Sick::no;
  notUnderstood_ = {};  // the next worker reads its configuration again
  forgetTrouble();
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
    workerTrouble(e.what());
    undecided_ = false;
    lookAgain_ = true;
    carryOut(life_.happens(Event::cannotStart));
  }
}

/// No worker now; the next one starts when the wait is over.
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

/// To let go of a connection leaves the process behind it as it is: what an operator wants replaced has to
/// quit.
void Keeper::endWorker() {
  const bool wasAsked = ready_;  // by retire()
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

/// Hung up on while the process of the last one was still ending: neither a worker that died, nor anybody's
/// fault.
bool Keeper::isShutOut() const {
  if (!outlivesUs() || lastWords_ || life_.phase() != Life::Phase::starting) return false;
  KJ_IF_MAYBE (at, goneAt_) return timer_.now() - *at < reopensWithin;
  return false;
}

/// The process is older than this smsd, and what it once read may have been mended since: an operator who
/// restarts smsd means all of it.
void Keeper::replaceFormer(const std::vector<AttemptOutcome>& outcomes) {
  if (!outlivesUs() || traits_.visits < 2 || life_.generation() > 1) return;
  for (auto& one : outcomes)
    if (one.begun == Begun::yes && one.outcome.kind == OutcomeKind::broken)
      return restart("its worker was there before smsd, and is replaced by a fresh one: " +
                     one.outcome.words);
}

void Keeper::workerReady(unsigned generation, const WorkerTraits& traits, const HealthReport& health) {
  if (life_.said(generation, Event::ready) != Action::welcome) return;
  traits_ = traits;
  ready_ = true;
  undecided_ = false;
  // Somebody mended something and restarted its unit: that is tried now.
  if (std::exchange(told_, false)) breaker_.probeNow(now());
  unsaidWorker_ = life_.suspect();
  if (!unsaidWorker_) events_.workerReady(config_.name, worker_->pid(), traits.lock);
  proving_.in(wellFor);
  heardAt_ = now();
  heard(health);
  if (!inquiry_.empty()) ask_.in(0ms);
  changed();
}

void Keeper::proven() {
  carryOut(life_.happens(Event::served));
  if (std::exchange(unsaidWorker_, false)) events_.workerReady(config_.name, worker_->pid(), traits_.lock);
}

void Keeper::workerReported(unsigned generation, std::vector<AttemptOutcome> outcomes) {
  if (generation != life_.generation() || worker_.get() == nullptr) return;
  heardAt_ = now();
  bool served = false;
  for (auto& one : outcomes) served = served || one.begun == Begun::yes;
  if (served && life_.phase() == Life::Phase::fresh) proven();
  record(outcomes);
  replaceFormer(outcomes);
  road_.dispatcherReported(index_, std::move(outcomes));
}

/// Its successor may have what it gives back, or another way out; itself no more.
void Keeper::workerDeclined(unsigned generation) {
  if (generation != life_.generation() || worker_.get() == nullptr) return;
  declined_ = true;
  declining_.in(endsWithin);
}

void Keeper::endDeclined() {
  if (!declined_) return;
  if (out() > 0) return declining_.in(endsWithin);
  endWhy_ = "it gave back what it was to send, and did not end";
  happens(Event::hung);
}

void Keeper::workerGone(unsigned generation, const std::string& why, std::vector<AttemptOutcome> lost,
                        Conduct conduct) {
  if (generation != life_.generation() || worker_.get() == nullptr) return;
  int pid = worker_->pid();
  // We are called from within the worker's own promise: it goes at the end of the turn.
  tasks_.add(kj::evalLater([worker = kj::mv(worker_)]() {}));
  asking_ = nullptr;
  proving_.cancel();
  declining_.cancel();
  healthDue_.cancel();
  if (cause_ == Cause::told) told_ = true;
  const bool shutOut = conduct == Conduct::proper && isShutOut();
  if (ready_ || restarting_ || told_) goneAt_ = timer_.now();
  ready_ = undecided_ = declined_ = false;
  if (conduct == Conduct::breach) ++strikes_;
  lookAgain_ = conduct != Conduct::breach;
  bool leaving = life_.phase() == Life::Phase::leaving;
  Action action = life_.happens(conduct == Conduct::breach ? Event::breach
                                : shutOut                  ? Event::shutOut
                                                           : Event::gone);
  if (!leaving) sayGone(why, pid, lost.size(), conduct, action);
  if (!std::exchange(restarting_, false)) workerTrouble(why);
  lost = notOursToKnow(std::move(lost), conduct);
  std::vector<Breaker::Whose> begun;
  for (auto& one : lost) {
    count(one);
    Breaker::Whose whose = ended(one.attempt);
    if (one.begun == Begun::yes) begun.push_back(std::move(whose));
  }
  if (!begun.empty()) {
    // One that dies with whatever it is given is sick, however fast it is replaced; but how long it hung says
    // nothing of the way out, and a fresh one is there. With one SMS alone that may be the fault of its text.
    wayTrouble(why);
    unanswered_ = true;
    breaker_.record(OutcomeKind::unknown, now(), 0ms, 0ms,
                    begun.size() == 1 ? begun.front() : Breaker::Whose{});
  }
  inFlight_.clear();
  carryOut(action);
  changed();
  road_.dispatcherReported(index_, std::move(lost));
}

/// A worker behind a socket may live, and know: the next connection asks it. What remains is lost.
std::vector<AttemptOutcome> Keeper::notOursToKnow(std::vector<AttemptOutcome> lost, Conduct conduct) {
  if (!outlivesUs() || conduct == Conduct::breach) return lost;
  Milliseconds until = now() + config_.timeout + config_.startTimeout;
  for (auto& one : lost) inquiry_.add(one.attempt, one.begun, until);
  if (!lost.empty()) ask_.in(askAgain);
  return {};
}

/// Where no worker follows at once it is the dispatcher that rests, for this reason: one entry is enough.
void Keeper::sayGone(const std::string& why, int pid, std::size_t lost, Conduct conduct, Action action) {
  if (conduct == Conduct::breach)
    events_.contractBroken(config_.name, pid, why, strikes_);
  else if (!restarting_ && (action == Action::hire || lost > 0))
    events_.workerGone(config_.name, pid, why, lost);
}

}  // namespace smsd::keeper
