// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/stall-watch.h"

#include <algorithm>

namespace smsd::road {
namespace {

// Added to the deadlines, for a busy machine or a slow database.
constexpr Milliseconds margin = 30s;

}  // namespace

StallWatch::StallWatch(kj::Timer& timer, const events::EventLog& log, const config::Config& config,
                       kj::Function<Progress::Owed()> owed, kj::Function<void()> act)
    : timer_(timer),
      log_(log),
      configured_(patienceFor(config)),
      progress_(configured_),
      owed_(kj::mv(owed)),
      act_(kj::mv(act)),
      alarm_(timer, [this]() { look(); }) {}

/// An attempt may take its timeout. If its worker goes away, learning its outcome may take another timeout
/// and a start.
Milliseconds StallWatch::patienceFor(const config::Config& config) {
  Milliseconds longest(0);
  for (auto& dispatcher : config.dispatchers)
    longest = std::max(longest, 2 * dispatcher.timeout + dispatcher.startTimeout);
  return longest + margin;
}

void StallWatch::use(const config::Config& config) {
  const Milliseconds before = std::exchange(configured_, patienceFor(config));
  progress_ = Progress(std::max(before, configured_));
}

void StallWatch::look() {
  const Progress::State state = progress_.look(owed_(), now());
  if (auto next = progress_.changesAt(now())) {
    if (!alarm_.isSet()) alarm_.in(*next - now());
  } else {
    alarm_.cancel();
  }
  // Noted before it acts, because acting looks again.
  if (std::exchange(state_, state) == state || state == Progress::State::moving) return;
  log_.standsStill(progress_.standing(now()), state == Progress::State::stuck
                                                  ? events::EventLog::Still::acts
                                                  : events::EventLog::Still::givesUp);
  if (state == Progress::State::stuck) act_();
}

}  // namespace smsd::road
