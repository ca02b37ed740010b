// The part of the road that watches whether anything moves, and whether there is a way out at all.
#include <algorithm>

#include "supervisor/road/road.h"

namespace smsd {
namespace {

// Beyond the deadlines: a busy machine, a slow database.
constexpr Milliseconds margin = 30s;

Milliseconds sinceStart(kj::TimePoint at) {
  return Milliseconds((at - kj::origin<kj::TimePoint>()) / kj::MILLISECONDS);
}

}  // namespace

/// An attempt may take its timeout, and to learn what became of one whose worker went away another one and a
/// start.
Milliseconds Road::patience(const Config& config) {
  Milliseconds longest(0);
  for (auto& dispatcher : config.dispatchers)
    longest = std::max(longest, 2 * dispatcher.timeout + dispatcher.startTimeout);
  return longest + margin;
}

/// A queue that is away, and dispatchers that all rest, are states of their own: to be started anew would not
/// help.
Progress::Owed Road::owed() const {
  if (!started_ || stopping_ || ledger_.away()) return Progress::Owed::nothing;
  if (!out_.empty() || ledger_.unsettled() > 0) return Progress::Owed::something;
  bool work = plan_.wants() || !pending_.empty() || !recording_.empty();
  return work && firstUsable() != nullptr ? Progress::Owed::something : Progress::Owed::nothing;
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
  log_.standsStill(progress_.standing(now),
                   state == Progress::State::stuck ? Events::Still::acts : Events::Still::givesUp);
  if (state == Progress::State::stuck) unstick();
}

/// Nothing is forgotten by it: what a worker held gets its outcome by the worker's end.
void Road::unstick() {
  for (std::size_t i = 0; i < keepers_.size(); ++i) {
    bool overdue = std::any_of(out_.begin(), out_.end(), [&](auto& entry) {
      return entry.second->submission.dispatcher == keepers_[i]->name() &&
             timer_.now() - entry.second->since >= progress_.patience().count() * kj::MILLISECONDS;
    });
    if (overdue) keepers_[i]->letGo("it holds SMS past every deadline");
  }
  for (auto& one : leaving_) one->keeper->letGo("it holds SMS past every deadline");
  plan_.sweepTwice();
  pump();
}

/// One entry for the whole outage: probes that fail are no news, nor is a worker that is started once more.
/// The outage begins when no dispatcher has a chance, and ends when one is ready.
void Road::lookForAWayOut() {
  auto hopes = [](auto& keeper) {
    auto state = keeper->state();
    return keeper->undecided() || state == keeper::State::starting || state == keeper::State::ready;
  };
  auto works = [](auto& keeper) { return keeper->believed(); };
  if (!started_ || std::any_of(keepers_.begin(), keepers_.end(), works)) {
    noDispatcherSince_ = nullptr;
    return;
  }
  if (std::any_of(keepers_.begin(), keepers_.end(), hopes)) return;
  bool broken = std::all_of(keepers_.begin(), keepers_.end(),
                            [](auto& keeper) { return keeper->state() == keeper::State::broken; });
  if (broken && config_.retry.allBroken == WhenAllBroken::shutdown)
    endByItself("every dispatcher is broken (retry.all_broken), the last one: " + keepers_.back()->reason());
  if (noDispatcherSince_ != nullptr) return;
  noDispatcherSince_ = timer_.now();
  log_.noDispatcher();
}

kj::Maybe<kj::Duration> Road::withoutDispatcherFor() const {
  return noDispatcherSince_.map([this](kj::TimePoint since) { return timer_.now() - since; });
}

}  // namespace smsd
