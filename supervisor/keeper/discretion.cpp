// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/discretion.h"

namespace smsd::keeper {

Discretion::Discretion(Hire& hire, GivenSms& given, Details ofFormer, WorkerEvents& events)
    : given_(given), ofFormer_(ofFormer), events_(events), worker_(hire(*this)) {}

void Discretion::dispatch(const std::vector<const queue::Submission*>& batch) {
  for (const auto* submission : batch) given_.add(*submission);
  worker_->dispatch(batch);
}

kj::Promise<std::vector<Recalled>> Discretion::recall(const std::vector<queue::AttemptId>& attempts) {
  return worker_->recall(attempts).then([this](std::vector<Recalled> recalled) {
    Shown shown;
    for (auto& one : recalled) {
      KJ_IF_MAYBE (outcome, one.outcome) discreet(one.attempt, *outcome, shown);
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
  Shown shown;
  for (auto& one : outcomes) discreet(one.attempt, one.outcome, shown);
  events_.workerReported(std::move(outcomes));
}

void Discretion::workerGone(const std::string& why, std::vector<delivery::AttemptOutcome> lost,
                            Conduct conduct) {
  Shown shown;
  for (auto& one : lost) one.outcome.words = withoutQuotations(one.outcome.words, shown);
  events_.workerGone(given_.withoutQuotations(why), std::move(lost), conduct);
}

/// Many SMS fail for the same reason, and the search through all SMS costs time.
const std::string& Discretion::withoutQuotations(const std::string& words, Shown& shown) const {
  auto [known, isNew] = shown.try_emplace(words);
  if (isNew) known->second = given_.withoutQuotations(words);
  return known->second;
}

/// A worker may take the words of one SMS for those of another one, such as the last line of a program.
void Discretion::discreet(queue::AttemptId attempt, delivery::Outcome& outcome, Shown& shown) const {
  const QuotedSms* sms = given_.find(attempt);
  if (outcome.kind != delivery::OutcomeKind::accepted) {
    if (sms != nullptr) outcome.words = withoutQuotation(outcome.words, *sms);
    outcome.words = withoutQuotations(outcome.words, shown);
  } else if (sms != nullptr) {
    outcome.words = referenceWithoutQuotation(outcome.words, *sms);
  }
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
