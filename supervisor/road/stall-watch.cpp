// SPDX-License-Identifier: GPL-3.0-or-later
// The part of the road that watches whether anything moves, and whether any dispatcher can be used.
#include <algorithm>

#include "supervisor/road/road.h"

namespace smsd::road {
namespace {

// Added to the deadlines, for a busy machine or a slow database.
constexpr Milliseconds margin = 30s;

Milliseconds sinceStart(kj::TimePoint at) {
  return Milliseconds((at - kj::origin<kj::TimePoint>()) / kj::MILLISECONDS);
}

}  // namespace

/// An attempt may take its timeout. If its worker goes away, learning its outcome may take another timeout
/// and a start.
Milliseconds Road::patience(const config::Config& config) {
  Milliseconds longest(0);
  for (auto& dispatcher : config.dispatchers)
    longest = std::max(longest, 2 * dispatcher.timeout + dispatcher.startTimeout);
  return longest + margin;
}

/// Nothing is owed while the queue is away or all dispatchers back off: a restart would not help.
Progress::Owed Road::owed() const {
  if (!started_ || stopping_ || ledger_.away()) return Progress::Owed::nothing;
  if (!sms_.none(Stage::inFlight) || ledger_.unsettled() > 0) return Progress::Owed::something;
  bool work = plan_.wants() || !sms_.none(Stage::pending) || !sms_.none(Stage::recording);
  return work && dispatchers_.firstUsable() != nullptr ? Progress::Owed::something : Progress::Owed::nothing;
}

void Road::moved() { progress_.moved(sinceStart(timer_.now())); }

void Road::watch() {
  Milliseconds now = sinceStart(timer_.now());
  Progress::State state = progress_.look(owed(), now);
  if (auto next = progress_.changesAt(now)) {
    if (!watch_.isSet()) watch_.in(*next - now);
  } else {
    watch_.cancel();
  }
  if (std::exchange(pace_, state) == state || state == Progress::State::moving) return;
  log_.standsStill(progress_.standing(now), state == Progress::State::stuck ? events::Events::Still::acts
                                                                            : events::Events::Still::givesUp);
  if (state == Progress::State::stuck) unstick();
}

/// No SMS is lost: those that a worker held get their outcomes when it ends.
void Road::unstick() {
  for (auto& keeper : dispatchers_) {
    bool overdue = std::any_of(sms_.inFlight().begin(), sms_.inFlight().end(), [&](auto& entry) {
      return entry.second->submission.dispatcher == keeper->name() &&
             timer_.now() - entry.second->since >= progress_.patience().count() * kj::MILLISECONDS;
    });
    if (overdue) keeper->letGo("it holds SMS past every deadline");
  }
  for (auto* keeper : dispatchers_.removed()) keeper->letGo("it holds SMS past every deadline");
  plan_.sweepTwice();
  pump();
}

/// Logs one entry for the whole outage, because neither a failed probe nor another restart of a worker is
/// news. The outage begins when no dispatcher has a chance, and ends when one is ready.
void Road::lookForAWayOut() {
  auto hopes = [](auto& keeper) {
    auto state = keeper->state();
    return keeper->undecided() || state == keeper::State::starting || state == keeper::State::ready;
  };
  auto works = [](auto& keeper) { return keeper->believed(); };
  if (!started_ || std::any_of(dispatchers_.begin(), dispatchers_.end(), works)) {
    noDispatcherSince_ = nullptr;
    return;
  }
  if (std::any_of(dispatchers_.begin(), dispatchers_.end(), hopes)) return;
  bool broken = std::all_of(dispatchers_.begin(), dispatchers_.end(),
                            [](auto& keeper) { return keeper->state() == keeper::State::broken; });
  if (broken && config_.retry.allBroken == config::WhenAllBroken::shutdown)
    endByItself("every dispatcher is broken (retry.all_broken), the last one: " +
                dispatchers_[dispatchers_.size() - 1].reason());
  if (noDispatcherSince_ != nullptr) return;
  noDispatcherSince_ = timer_.now();
  log_.noDispatcher();
}

kj::Maybe<kj::Duration> Road::withoutDispatcherFor() const {
  return noDispatcherSince_.map([this](kj::TimePoint since) { return timer_.now() - since; });
}

}  // namespace smsd::road
