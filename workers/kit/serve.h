// SPDX-License-Identifier: GPL-3.0-or-later
// Runs a configured worker: the inner lock, the socket, the loop, the end.
//
// Owns the two ways to serve. Spawned: the supervisor passed a connected socket, and the worker ends when
// that connection ends. Socket mode: systemd passed a listening socket (LISTEN_FDS); supervisors connect and
// disconnect, and the worker ends at SIGTERM. Called by worker-main once the configuration was read.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/fault.h"
#include "workers/kit/dispatcher.h"

namespace smsd::kit {

enum class Lock { required, wanted };

/// The worker refuses to serve; what() gives the operator the reason.
class CannotServe : public Explained {
  using Explained::Explained;
};

struct ServeOptions {
  std::string name;  // of the dispatcher, as in smsd.yaml
  Lock lock = Lock::required;
};

/// Serves the supervisor at the other end of the socket `channel`. Returns the exit status. Throws
/// CannotServe when the process cannot be locked in. Takes `channel` over, and sets it to -1, only when the
/// worker is about to serve: after an earlier exception the caller can still send the reason with
/// sayCannotStart().
int serveSupervisor(const ServeOptions& options, int& channel, Dispatcher& dispatcher);
/// Accepts supervisors on the socket `listener`, from the users in `welcome` only. Returns, throws and takes
/// `listener` over as serveSupervisor() does.
int serveSocket(const ServeOptions& options, int& listener, std::vector<uid_t> welcome,
                Dispatcher& dispatcher);

}  // namespace smsd::kit
