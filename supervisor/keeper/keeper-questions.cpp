// SPDX-License-Identifier: GPL-3.0-or-later
// The part of the keeper that queries its worker: its health, and the fate of attempts whose connection is
// gone.
#include "supervisor/delivery/attempt-ids.h"
#include "supervisor/keeper/keeper.h"

namespace smsd::keeper {

void Keeper::dispatch(const std::vector<const queue::Submission*>& batch) {
  workers_.worker().dispatch(batch);
  auto kind = breaker() == delivery::Breaker::State::closed ? InFlight::Kind::usual : InFlight::Kind::probe;
  for (auto* submission : batch) {
    // Each test SMS counts as one to a new recipient, even if an operator repeats it.
    bool trial = isIn(delivery::AttemptRange::trials, submission->attempt);
    inFlight_.add(submission->attempt,
                  {now(), rankOf(submission->severity), trial ? std::string() : submission->recipient, kind});
  }
  health_.dispatched(now());
  healthDue_.notLaterThan(timer_.now() + HealthWatch::whileBusy.count() * kj::MILLISECONDS);
}

void Keeper::askHealth() {
  if (!workers_.life().ready()) return;
  if (auto later = health_.putsOff(now(), sick_, out())) return healthDue_.in(*later);
  tasks_.add(workers_.worker().health().then(
      [this, generation = workers_.life().generation()](HealthReport report) {
        if (generation != workers_.life().generation() || !workers_.life().ready()) return;
        heard(report);
        changed();
      },
      [this, generation = workers_.life().generation()](kj::Exception&& e) {
        if (e.getType() == kj::Exception::Type::DISCONNECTED) return;  // its end follows
        workers_.hangs(generation, "it did not answer when it was asked how it is: the worker hangs");
      }));
}

/// A worker that can detect that its dispatcher is broken is trusted when it reports that it works again.
void Keeper::heard(const HealthReport& health) {
  health_.reported(health, now());
  if (!health.broken.empty()) {
    sick_ = Sick::byHealth;
    reasons_.gatewayFailed(health.broken, timer_.now());
  } else if (sick_ == Sick::byHealth) {
    sick_ = Sick::no;
    breaker_.close();
  }
  healthDue_.in(health_.next(now(), sick_, out()));
}

kj::Maybe<kj::Duration> Keeper::lastHealthFor() const {
  if (auto at = health_.lastAt()) return (now() - *at).count() * kj::MILLISECONDS;
  return nullptr;
}

void Keeper::inquire(const std::vector<queue::AttemptId>& attempts) {
  inquiry_.addFormer(attempts, now() + config_.timeout + config_.startTimeout);
  ask_.in(0ms);
}

/// Queries the present worker. Repeats this while an attempt is in progress there, or while there is no
/// worker.
void Keeper::askInquiry() {
  auto known = workers_.outlivesUs() ? inquiry_.expired(now())
                                     : inquiry_.giveUp("its supervisor is gone, and its worker with it");
  for (auto& one : known) count(one);
  if (!known.empty()) road_.dispatcherReported(index_, std::move(known));
  if (inquiry_.empty()) return;
  if (!workers_.life().ready()) return ask_.in(askAgain);
  auto asked = inquiry_.open();
  asking_ = workers_.worker()
                .recall(asked)
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
    if (inquiry_.takeFormer(one.attempt))
      count(one);
    else
      ours.push_back(one);
  if (!ours.empty()) record(ours);
}

}  // namespace smsd::keeper
