// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/metrics-desk.h"

#include "supervisor/control/metrics.h"

namespace smsd::control {

kj::Promise<void> MetricsDesk::answer(Call context) {
  lag_.wanted();
  return look_.look().then([this, context](const std::optional<QueueLook>& look) mutable {
    writeMetrics(context.getResults().initMetrics(), road_, {mail_.mail(), &canaries_, &heartbeats_},
                 {look, lag_.lag(), timer_.now() - started_});
  });
}

}  // namespace smsd::control
