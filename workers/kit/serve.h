// SPDX-License-Identifier: GPL-3.0-or-later
// Runs a configured worker: the inner lock, the socket, the loop, the end.
//
// Owns the two ways to serve. Spawned: the supervisor passed a connected socket, and the worker ends when
// that connection ends. Socket mode: systemd passed a listening socket (LISTEN_FDS); supervisors connect and
// disconnect, and the worker ends at SIGTERM. Called by worker-main once the configuration was read.
#pragma once

#include <sys/types.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "workers/kit/dispatcher.h"

namespace smsd::kit {

enum class Lock { required, wanted };

/// The worker refuses to serve; what() gives the operator the reason.
class CannotServe : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct ServeOptions {
  std::string name;  // of the dispatcher, as in smsd.yaml
  Lock lock = Lock::required;
};

/// Serves the supervisor at the other end of `channel`. Returns the exit status. Throws CannotServe when the
/// process cannot be locked in.
int serveSupervisor(const ServeOptions& options, int channel, Dispatcher& dispatcher);
/// Accepts supervisors on the socket `listener`, from the users in `welcome` only. Returns and throws as
/// serveSupervisor() does.
int serveSocket(const ServeOptions& options, int listener, std::vector<uid_t> welcome,
                Dispatcher& dispatcher);

}  // namespace smsd::kit
