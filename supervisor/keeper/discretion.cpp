// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/discretion.h"

#include <map>

namespace smsd::keeper {

Discretion::Discretion(Hire& hire, GivenSms& given, Details ofFormer, WorkerEvents& events)
    : given_(given), ofFormer_(ofFormer), events_(events), worker_(hire(*this)) {}

void Discretion::dispatch(const std::vector<const queue::Submission*>& batch) {
  for (const auto* submission : batch) given_.add(*submission);
  worker_->dispatch(batch);
}

kj::Promise<std::vector<Recalled>> Discretion::recall(const std::vector<queue::AttemptId>& attempts) {
  return worker_->recall(attempts).then([this](std::vector<Recalled> recalled) {
    for (auto& one : recalled) {
      KJ_IF_MAYBE (outcome, one.outcome) discreet(one.attempt, *outcome);
    }
    return recalled;
  });
}

kj::Promise<HealthReport> Discretion::health() {
  return worker_->health().then([this](HealthReport health) { return discreet(std::move(health)); });
}

void Discretion::workerReady(const WorkerTraits& traits, const HealthReport& health) {
  WorkerTraits shown = traits;
  shown.software = given_.withoutQuotations(std::move(shown.software));
  for (auto& part : shown.lock) part = given_.withoutQuotations(std::move(part));
  visits_ = traits.visits;
  events_.workerReady(shown, discreet(health));
}

void Discretion::workerReported(std::vector<delivery::AttemptOutcome> outcomes) {
  for (auto& one : outcomes) discreet(one.attempt, one.outcome);
  events_.workerReported(std::move(outcomes));
}

/// All SMS that are lost with one connection are lost for the same reason.
void Discretion::workerGone(const std::string& why, std::vector<delivery::AttemptOutcome> lost,
                            Conduct conduct) {
  std::map<std::string, std::string> shown;
  for (auto& one : lost) {
    auto [known, isNew] = shown.try_emplace(one.outcome.words);
    if (isNew) known->second = given_.withoutQuotations(one.outcome.words);
    one.outcome.words = known->second;
  }
  events_.workerGone(given_.withoutQuotations(why), std::move(lost), conduct);
}

void Discretion::discreet(queue::AttemptId attempt, delivery::Outcome& outcome) const {
  const QuotedSms* sms = given_.find(attempt);
  if (sms == nullptr) return;
  outcome.words = outcome.kind == delivery::OutcomeKind::accepted
                      ? referenceWithoutQuotation(outcome.words, *sms)
                      : withoutQuotation(outcome.words, *sms);
}

HealthReport Discretion::discreet(HealthReport health) const {
  health.broken = given_.withoutQuotations(std::move(health.broken));
  if (ofFormer_ == Details::hidden && visits_ > 1 && !given_.hasEnded()) health.details.clear();
  for (auto& [name, value] : health.details) {
    name = given_.withoutQuotations(std::move(name));
    value = given_.withoutQuotations(std::move(value));
  }
  return health;
}

}  // namespace smsd::keeper
