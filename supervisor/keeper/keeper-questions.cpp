// SPDX-License-Identifier: GPL-3.0-or-later
// The part of the keeper that queries its worker: its health, and the fate of attempts whose connection is
// gone.
#include "supervisor/delivery/attempt-ids.h"
#include "supervisor/keeper/keeper.h"

namespace smsd::keeper {
namespace {

using namespace std::chrono_literals;

// How often health is queried. A hung worker with SMS in flight has to be found soon, and a dispatcher that
// works again has to be used soon. Otherwise the query must not wake up an idle host.
constexpr Milliseconds whileBusy = 5s, whileBroken = 15s, whileIdle = 60s;

}  // namespace

void Keeper::dispatch(const std::vector<const queue::Submission*>& batch) {
  worker_->dispatch(batch);
  auto kind = breaker() == delivery::Breaker::State::closed ? InFlight::Kind::usual : InFlight::Kind::probe;
  for (auto* submission : batch) {
    // Each test SMS counts as one to a new recipient, even if an operator repeats it.
    bool trial = isIn(delivery::AttemptRange::trials, submission->attempt);
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
  if (!life_.ready()) return;
  // Outcomes that come in prove that the worker lives, so that a busy one is queried only every `whileIdle`.
  bool heardOf = sick_ == Sick::no && worker_->out() > 0 && now() - heardAt_ < whileBusy;
  if (heardOf && now() - askedAt_ < whileIdle) {
    healthAt_ = now() + whileBusy;
    return healthDue_.in(whileBusy);
  }
  askedAt_ = now();
  tasks_.add(worker_->health().then(
      [this, generation = life_.generation()](HealthReport report) {
        if (generation != life_.generation() || !life_.ready()) return;
        heard(report);
        changed();
      },
      [this, generation = life_.generation()](kj::Exception&& e) {
        if (e.getType() == kj::Exception::Type::DISCONNECTED) return;  // its end follows
        endWhy_ = "it did not answer when it was asked how it is: the worker hangs";
        carryOut(life_.said(generation, Life::Event::hung));
        changed();
      }));
}

/// A worker that can detect that its dispatcher is broken is trusted when it reports that it works again.
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
  for (auto attempt : attempts) inquiry_.add(attempt, delivery::Begun::yes, until);
  former_.insert(attempts.begin(), attempts.end());
  ask_.in(0ms);
}

/// Queries the present worker. Repeats this while an attempt is in progress there, or while there is no
/// worker.
void Keeper::askInquiry() {
  auto known = outlivesUs() ? inquiry_.expired(now())
                            : inquiry_.giveUp("its supervisor is gone, and its worker with it");
  for (auto& one : known) count(one);
  if (!known.empty()) road_.dispatcherReported(index_, std::move(known));
  if (inquiry_.empty()) return;
  if (!life_.ready()) return ask_.in(askAgain);
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

/// Keeps outcomes of an earlier smsd's SMS from the breaker. Their cause may be long over, and an operator
/// who repairs a dispatcher and restarts smsd must not wait for a probe.
void Keeper::recordAnswers(const std::vector<delivery::AttemptOutcome>& outcomes) {
  std::vector<delivery::AttemptOutcome> ours;
  for (auto& one : outcomes)
    if (former_.erase(one.attempt) > 0)
      count(one);
    else
      ours.push_back(one);
  if (!ours.empty()) record(ours);
}

}  // namespace smsd::keeper
