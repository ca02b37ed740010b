// SPDX-License-Identifier: GPL-3.0-or-later
// The part of the road that applies a reload: another configuration, other dispatchers, with SMS in progress.
#include <algorithm>

#include "supervisor/road/road.h"

namespace smsd::road {

void Road::replace(config::Config config, Keepers added) {
  Keepers before = std::exchange(keepers_, {});
  for (auto& entry : config.dispatchers)
    for (auto* from : {&before, &added})
      for (auto& keeper : *from)
        if (keeper != nullptr && keeper->name() == entry.name) {
          keepers_.push_back(std::move(keeper));
          break;
        }
  // SMS in progress with a removed dispatcher may take as long as the old configuration allowed.
  progress_ = Progress(std::max(patience(config_), patience(config)));
  config_ = std::move(config);
  format_ = [rules = config_.formatting](const std::vector<format::Message>& messages) {
    return format::format(messages, rules);
  };
  trials_.use(config_.formatting);
  plan_.use(static_cast<unsigned>(config_.queue.mildShare));
  turns_.use(static_cast<unsigned>(config_.queue.mildShare));
  if (started_) poll_.in(pollEvery());
  for (auto& keeper : before)
    if (keeper != nullptr) leave(std::move(keeper));
  lookForAWayOut();
  notice();
  changed_();
}

/// Lets a removed dispatcher finish. It keeps its index, so that its outcomes find their SMS, and begins no
/// more.
void Road::leave(std::unique_ptr<keeper::Keeper> keeper) {
  auto& one = *leaving_.emplace_back(std::make_unique<Leaving>());
  one.keeper = std::move(keeper);
  one.draining = one.keeper->drain()
                     .catch_([](kj::Exception&&) {})  // its worker exited, which gives its SMS their outcomes
                     .then([this, &one]() {
                       one.drained = Leaving::Drained::yes;
                       dismiss_.in(Milliseconds(0));
                     })
                     .eagerlyEvaluate(nullptr);
}

/// Deletes the removed dispatchers that have nothing in progress. Runs from an alarm, because a keeper must
/// not be deleted within one of its own calls.
void Road::dismiss() {
  std::erase_if(leaving_,
                [](auto& one) { return one->drained == Leaving::Drained::yes && one->keeper->idle(); });
}

}  // namespace smsd::road
