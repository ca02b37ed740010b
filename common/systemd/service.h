// What this process tells systemd over NOTIFY_SOCKET: ready, its status line, signs of life, reload, stop.
//
// Owns when it is said. Called by the supervisor and by workers in socket mode. Signs of life go out from the
// loop, at half of what WatchdogSec= allows, and only while `alive` says that there is progress: a process
// that is stuck is systemd's to restart. Costs nothing where nobody listens, no wake-up but the watchdog's
// when nothing changes, and never fails: what cannot be said is not said. See sd_notify(3).
#pragma once

#include <kj/async.h>
#include <kj/function.h>
#include <kj/timer.h>

#include <chrono>
#include <string>

namespace smsd::systemd {

/// Before a process locks itself in: the socket to tell it over, which it cannot make afterwards.
void openNotifySocket();

class Service final : private kj::TaskSet::ErrorHandler {
 public:
  /// `status` renders STATUS=, one line for `systemctl status`; it is asked only when it may have changed.
  Service(kj::Timer& timer, kj::Function<bool()> alive, kj::Function<std::string()> status);

  /// Serving; also after reloading().
  void ready();
  /// The status line may be another now: said at once, then at most once a second.
  void changed();
  void reloading();
  /// The end has begun and may take this long.
  void stopping(std::chrono::milliseconds longest);

 private:
  void sayStatus();
  kj::Promise<void> beat(kj::Duration interval);
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  kj::Function<bool()> alive_;
  kj::Function<std::string()> status_;
  bool heard_;            // somebody listens
  bool ready_ = false;    // said so
  bool waiting_ = false;  // the second since the last line is not over
  bool dirty_ = false;    // something changed in it
  bool stuckSaid_ = false;
  std::string said_;
  kj::TaskSet tasks_;
};

}  // namespace smsd::systemd
