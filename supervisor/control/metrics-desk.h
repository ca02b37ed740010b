// SPDX-License-Identifier: GPL-3.0-or-later
// Answers `metrics` of proto/metrics.capnp at both sockets.
//
// Owns what is measured only for it: how late the event loop is, and a look at the queue at a bounded pace.
// Used by the doors (session.h). metrics.h writes the answer.
#pragma once

#include <kj/async.h>
#include <proto/metrics.capnp.h>

#include "supervisor/admin-mail/mail-desk.h"
#include "supervisor/control/loop-lag.h"
#include "supervisor/control/paced-look.h"
#include "supervisor/road/road.h"
#include "supervisor/watchkeeping/canary-watch.h"
#include "supervisor/watchkeeping/heartbeats.h"

namespace smsd::control {

class MetricsDesk {
 public:
  using Call = capnp::CallContext<proto::MetricsSource::MetricsParams, proto::MetricsSource::MetricsResults>;

  MetricsDesk(Glance& glance, kj::Timer& timer, const road::Road& road, const admin_mail::MailDesk& mail,
              const watchkeeping::CanaryWatch& canaries, const watchkeeping::Heartbeats& heartbeats)
      : timer_(timer),
        road_(road),
        mail_(mail),
        canaries_(canaries),
        heartbeats_(heartbeats),
        started_(timer.now()),
        look_(glance, timer),
        lag_(timer) {}

  kj::Promise<void> answer(Call context);

 private:
  kj::Timer& timer_;
  const road::Road& road_;
  const admin_mail::MailDesk& mail_;
  const watchkeeping::CanaryWatch& canaries_;
  const watchkeeping::Heartbeats& heartbeats_;
  kj::TimePoint started_;
  PacedLook look_;
  LoopLag lag_;
};

}  // namespace smsd::control
