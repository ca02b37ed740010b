// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/recall-queries.h"

#include <utility>

namespace smsd::keeper {
namespace {

// How often attempts that a surviving worker still has in progress are queried.
constexpr Milliseconds again = std::chrono::milliseconds(500);

}  // namespace

RecallQueries::RecallQueries(kj::Timer& timer, const config::DispatcherConfig& config, Succession& workers,
                             Events& keeper)
    : timer_(timer), config_(config), workers_(workers), keeper_(keeper), due_(timer, [this]() {
        query();
      }) {}

void RecallQueries::findFormer(const std::vector<const queue::Submission*>& former) {
  toldOfFormer_ = true;
  std::vector<queue::AttemptId> attempts;
  for (const auto* submission : former) {
    workers_.handedOver(*submission);
    attempts.push_back(submission->attempt);
  }
  if (attempts.empty()) return;
  inquiry_.addFormer(attempts, giveUpAt());
  due_.in(Milliseconds(0));
}

void RecallQueries::find(const std::vector<delivery::AttemptOutcome>& lost) {
  for (auto& one : lost) inquiry_.add(one.attempt, one.begun, giveUpAt());
  if (!lost.empty()) due_.in(again);
}

void RecallQueries::workerReady() {
  if (!inquiry_.empty()) due_.in(Milliseconds(0));
}

void RecallQueries::query() {
  auto lost = workers_.outlivesUs() ? inquiry_.expired(now())
                                    : inquiry_.giveUp("its supervisor is gone, and its worker, too");
  if (!lost.empty()) keeper_.attemptsLost(std::move(lost));
  if (inquiry_.empty()) return;
  if (!workers_.life().ready()) return due_.in(again);
  auto asked = inquiry_.open();
  asking_ = workers_.worker()
                .recall(asked)
                .then([this, asked](std::vector<Recalled> recalled) {
                  auto outcomes = inquiry_.answered(asked, std::move(recalled));
                  if (!inquiry_.empty()) due_.in(again);
                  if (!outcomes.empty()) keeper_.attemptsFound(std::move(outcomes));
                })
                .eagerlyEvaluate([this](kj::Exception&&) { due_.in(again); });
}

}  // namespace smsd::keeper
