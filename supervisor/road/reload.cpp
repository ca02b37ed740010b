// SPDX-License-Identifier: GPL-3.0-or-later
// The part of the road that applies a reload: another configuration, other dispatchers, with SMS in progress.
#include "supervisor/road/road.h"

namespace smsd::road {

void Road::replace(config::Config config, Keepers added) {
  stall_.use(config);
  config_ = std::move(config);
  format_ = [rules = config_.formatting](const std::vector<format::Message>& messages) {
    return format::format(messages, rules);
  };
  trials_.use(config_.formatting);
  plan_.use(static_cast<unsigned>(config_.queue.mildShare));
  turns_.use(static_cast<unsigned>(config_.queue.mildShare));
  if (start_.begun()) poll_.in(pollEvery());
  dispatchers_.replace(config_.dispatchers, std::move(added));
  watchDispatchers();
  notice();
  changed_();
}

}  // namespace smsd::road
