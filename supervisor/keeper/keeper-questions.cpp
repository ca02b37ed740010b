// The part of the keeper that asks its worker: how it is, and what became of attempts whose connection is
// gone.
#include "supervisor/keeper/keeper.h"
#include "supervisor/road/attempt-range.h"

namespace smsd::keeper {
namespace {

using namespace std::chrono_literals;

// How often it is asked how it is. With work out, a worker that is hung is to be found soon; one that says it
// is broken shall be used again soon after it is not; else it must not wake up a host that has nothing to do.
constexpr Milliseconds whileBusy = 5s, whileBroken = 15s, whileIdle = 60s;

}  // namespace

void Keeper::dispatch(const std::vector<const queue::Submission*>& batch) {
  worker_->dispatch(batch);
  auto kind = breaker() == Breaker::State::closed ? InFlight::Kind::usual : InFlight::Kind::probe;
  for (auto* submission : batch) {
    // A test that an operator repeats is another one each time.
    bool trial = isIn(AttemptRange::trials, submission->attempt);
    inFlight_.add(submission->attempt,
                  {now(), rankOf(submission->severity), trial ? std::string() : submission->recipient, kind});
  }
  healthAt_ = std::min(healthAt_, now() + whileBusy);
  healthDue_.notLaterThan(timer_.now() + std::int64_t(whileBusy.count()) * kj::MILLISECONDS);
}

Milliseconds Keeper::healthRhythm() const {
  if (sick_ == Sick::byHealth) return whileBroken;
  return worker_->out() > 0 ? whileBusy : whileIdle;
}

void Keeper::askHealth() {
  if (!ready_) return;
  // Outcomes that come in say enough: under load nobody is asked for more.
  bool heardOf = sick_ == Sick::no && worker_->out() > 0 && now() - heardAt_ < whileBusy;
  if (heardOf && now() - askedAt_ < whileIdle) {
    healthAt_ = now() + whileBusy;
    return healthDue_.in(whileBusy);
  }
  askedAt_ = now();
  tasks_.add(worker_->health().then(
      [this, generation = life_.generation()](HealthReport report) {
        if (generation != life_.generation() || !ready_) return;
        heard(report);
        changed();
      },
      [this, generation = life_.generation()](kj::Exception&& e) {
        if (e.getType() == kj::Exception::Type::DISCONNECTED) return;  // its end is on its way
        endWhy_ = "it did not answer when it was asked how it is: the worker hangs";
        carryOut(life_.said(generation, Life::Event::hung));
        changed();
      }));
}

/// A worker that can tell that its way out is broken is believed when it says that it is not any more.
void Keeper::heard(const HealthReport& health) {
  health_ = health;
  healthSaid_ = timer_.now();
  if (!health.broken.empty()) {
    sick_ = Sick::byHealth;
    wayTrouble(health.broken);
  } else if (sick_ == Sick::byHealth) {
    sick_ = Sick::no;
    breaker_.close();
  }
  healthAt_ = now() + healthRhythm();
  healthDue_.in(healthRhythm());
}

kj::Maybe<kj::Duration> Keeper::lastHealthFor() const {
  return healthSaid_.map([this](kj::TimePoint at) { return timer_.now() - at; });
}

void Keeper::inquire(const std::vector<queue::AttemptId>& attempts) {
  Milliseconds until = now() + config_.timeout + config_.startTimeout;
  for (auto attempt : attempts) inquiry_.add(attempt, Begun::yes, until);
  former_.insert(attempts.begin(), attempts.end());
  ask_.in(0ms);
}

/// Asks the worker that is there now; again and again while something is under way with it, or while there is
/// none.
void Keeper::askInquiry() {
  auto known = outlivesUs() ? inquiry_.expired(now())
                            : inquiry_.giveUp("its supervisor is gone, and its worker with it");
  for (auto& one : known) count(one);
  if (!known.empty()) road_.dispatcherReported(index_, std::move(known));
  if (inquiry_.empty()) return;
  if (!ready_) return ask_.in(askAgain);
  auto asked = inquiry_.open();
  asking_ = worker_->recall(asked)
                .then([this, asked](std::vector<Recalled> recalled) {
                  auto outcomes = inquiry_.answered(asked, std::move(recalled));
                  if (!inquiry_.empty()) ask_.in(askAgain);
                  if (outcomes.empty()) return;
                  recordAnswers(outcomes);
                  road_.dispatcherReported(index_, std::move(outcomes));
                })
                .eagerlyEvaluate([this](kj::Exception&&) { ask_.in(askAgain); });
}

/// What a predecessor's SMS met may be long over: an operator who mends a dispatcher and restarts smsd must
/// not wait for a probe that the predecessor would have waited for.
void Keeper::recordAnswers(const std::vector<AttemptOutcome>& outcomes) {
  std::vector<AttemptOutcome> ours;
  for (auto& one : outcomes)
    if (former_.erase(one.attempt) > 0)
      count(one);
    else
      ours.push_back(one);
  if (!ours.empty()) record(ours);
}

}  // namespace smsd::keeper
