// SPDX-License-Identifier: GPL-3.0-or-later
// Notifies systemd over NOTIFY_SOCKET: ready, status line, watchdog, reload, stop. See sd_notify(3).
//
// Owns when to notify. Called by the supervisor and by workers in socket mode. The loop sends a watchdog
// notification at half of the interval that WatchdogSec= allows, and only while `alive` returns true, so that
// systemd restarts a process that is stuck. Without NOTIFY_SOCKET it costs nothing; while nothing changes,
// only the watchdog wakes the process. Never fails: a notification that cannot be sent is dropped.
#pragma once

#include <kj/async.h>
#include <kj/function.h>
#include <kj/timer.h>

#include <chrono>
#include <string>

namespace smsd::systemd {

/// Opens the socket for notifications. Call before lockIn(), because a locked process cannot open it.
void openNotifySocket();

class Service final : private kj::TaskSet::ErrorHandler {
 public:
  /// `alive` returns whether the process makes progress. `status` renders STATUS=, one line for `systemctl
  /// status`; it is called only after changed().
  Service(kj::Timer& timer, kj::Function<bool()> alive, kj::Function<std::string()> status);

  /// Whether systemd has started this process and reads its notifications.
  bool heard() const { return heard_; }
  /// Notifies systemd that the process serves. Call it also at the end of reloading().
  void ready();
  /// Call when the status line may have changed. Sends it at once, but at most once a second.
  void changed();
  void reloading();
  /// Notifies systemd that the process stops, which may take up to `longest`.
  void stopping(std::chrono::milliseconds longest);

 private:
  void sayStatus();
  kj::Promise<void> beat(kj::Duration interval);
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  kj::Function<bool()> alive_;
  kj::Function<std::string()> status_;
  bool heard_;            // NOTIFY_SOCKET is set
  bool ready_ = false;    // READY=1 was sent
  bool waiting_ = false;  // less than a second since the last line
  bool dirty_ = false;    // changed since the last line
  bool stuckSaid_ = false;
  std::string said_;
  kj::TaskSet tasks_;
};

}  // namespace smsd::systemd
