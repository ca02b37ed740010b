// SPDX-License-Identifier: GPL-3.0-or-later
// Calls a function in a process of its own, as another user if root calls, and returns the text that it
// returned.
//
// Owns the signals that end this process meanwhile: the function's process is then killed, and the exception
// Ended lets the caller remove what it has made before the signal takes effect. Called by `config install`.
#pragma once

#include <signal.h>

#include <functional>
#include <stdexcept>
#include <string>

namespace smsd::smsctl {

/// Holds back SIGTERM, SIGINT, SIGHUP and SIGQUIT. A held signal takes effect at the end of this object.
class HeldSignals {
 public:
  HeldSignals();
  ~HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  /// Waits until `child` has ended, and returns its wait status. Kills it and throws Ended at a signal.
  int await(pid_t child) const;
  /// For the child: it ends at a signal as usual.
  void restore() const;

  class Ended : public std::runtime_error {
   public:
    Ended() : std::runtime_error("ended by a signal") {}
  };

 private:
  sigset_t held_{}, before_{};
};

/// Calls `act` in a process of `user`, without root's privileges, or of this user if this is not root. Throws
/// CommandError if the process cannot be started or returns no text.
std::string runApart(const HeldSignals& signals, const std::string& user,
                     const std::function<std::string()>& act);

}  // namespace smsd::smsctl
