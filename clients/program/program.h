// SPDX-License-Identifier: GPL-3.0-or-later
// The start of a client that systemd starts at a socket: the socket, the lock, and the error that ends it.
//
// Called by smsd-exporter and smsd-intake before they serve.
#pragma once

#include <stdexcept>
#include <string>

#include "common/sandbox/sandbox.h"

namespace smsd::program {

/// An error that the administrator has to repair, in words, with the exit status for it.
class CannotRun : public std::runtime_error {
 public:
  CannotRun(int status, const std::string& what) : std::runtime_error(what), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

/// Returns the listening socket that systemd passed. `name`: of the program; its unit is NAME.socket.
/// `otherwise`: how else the program can be started, to be added to the error. Throws CannotRun.
int takeListener(const std::string& name, const std::string& otherwise = {});

enum class ClientLock { required, wanted };
/// Locks this process in. Throws CannotRun if the lock is required and the kernel cannot do it; otherwise
/// writes a warning to the journal and continues.
void lockIn(sandbox::Policy policy, ClientLock lock);

}  // namespace smsd::program
