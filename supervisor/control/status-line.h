// SPDX-License-Identifier: GPL-3.0-or-later
// The line of `systemctl status`, with the same findings as `smsctl status`.
//
// Owns a regular look at the queue, because the line is rendered without waiting for one: soon after a
// change, rarely while changes go on, and each half minute without one. Called by the daemon. Looks only
// after watch(), so that a daemon without systemd does not.
#pragma once

#include <kj/async.h>
#include <kj/function.h>
#include <kj/timer.h>

#include <optional>
#include <string>

#include "common/kj/alarm.h"
#include "supervisor/admin-mail/mail-desk.h"
#include "supervisor/control/picture.h"
#include "supervisor/control/queue-depth.h"
#include "supervisor/road/road.h"

namespace smsd::control {

class StatusLine final : private kj::TaskSet::ErrorHandler {
 public:
  StatusLine(kj::Timer& timer, queue::QueueThread& queue, const road::Road& road,
             const admin_mail::MailDesk& mail, const watchkeeping::CanaryWatch& canaries,
             const watchkeeping::Heartbeats& heartbeats);

  std::string text() const;
  /// Looks at the queue now and then. `changed` is called after each look.
  void watch(kj::Function<void()> changed);
  /// Called when something has changed. Costs nothing until the next look.
  void noteChange() {
    if (watches_ && !stale_) lookSoon();
  }

 private:
  void look();
  void lookSoon();
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  const road::Road& road_;
  const admin_mail::MailDesk& mail_;
  const watchkeeping::CanaryWatch& canaries_;
  const watchkeeping::Heartbeats& heartbeats_;
  kj::TaskSet tasks_;
  Glance glance_;
  Alarm due_;
  kj::TimePoint lookedAt_ = kj::origin<kj::TimePoint>();
  int busy_ = 0;  // looks in a row after which something changed before the next was due
  bool watches_ = false;
  bool stale_ = false;  // something has changed since the last look
  Picture::Looked looked_ = Picture::Looked::notYet;
  std::optional<QueueLook> last_;
  kj::Function<void()> changed_ = []() {};
};

}  // namespace smsd::control
