// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/health-queries.h"

#include "common/fault.h"

namespace smsd::keeper {

HealthQueries::HealthQueries(kj::Timer& timer, Succession& workers, Events& keeper)
    : timer_(timer), workers_(workers), keeper_(keeper), due_(timer, [this]() { query(); }), tasks_(*this) {}

void HealthQueries::dispatched() {
  watch_.dispatched(now());
  due_.notLaterThan(timer_.now() + HealthWatch::whileBusy.count() * kj::MILLISECONDS);
}

void HealthQueries::reported(const HealthReport& health) {
  watch_.reported(health, now());
  due_.in(watch_.next(now(), keeper_.sick(), workers_.out()));
}

kj::Maybe<kj::Duration> HealthQueries::age() const {
  if (auto at = watch_.lastAt()) return (now() - *at).count() * kj::MILLISECONDS;
  return nullptr;
}

void HealthQueries::query() {
  if (!workers_.life().ready()) return;
  if (auto later = watch_.putsOff(now(), keeper_.sick(), workers_.out())) return due_.in(*later);
  const unsigned generation = workers_.life().generation();
  tasks_.add(workers_.worker().health().then(
      [this, generation](const HealthReport& report) {
        if (generation != workers_.life().generation() || !workers_.life().ready()) return;
        keeper_.healthReported(report);
      },
      [this, generation](kj::Exception&& e) {
        if (e.getType() == kj::Exception::Type::DISCONNECTED) return;  // its end follows
        workers_.hangs(generation, "it did not answer a health query: the worker hangs");
      }));
}

void HealthQueries::taskFailed(kj::Exception&& exception) { keeper_.queryFailed(faultOf(exception)); }

}  // namespace smsd::keeper
