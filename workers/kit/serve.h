// A configured worker at work: the inner lock, the socket, the loop, the end.
//
// Owns the two ways to serve. Spawned: the supervisor handed over a connected socket, and its end is ours.
// Socket mode: systemd handed over the socket it listens on (LISTEN_FDS); supervisors come and go, and the
// end is SIGTERM. Called by worker-main once the configuration was read.
#pragma once

#include <sys/types.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "workers/kit/dispatcher.h"

namespace smsd::kit {

enum class Lock { required, wanted };

/// It will not serve as things are; what() is for the operator.
class CannotServe : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Place {
  std::string name;  // the dispatcher's, as in smsd.yaml
  Lock lock = Lock::required;
};

/// Returns the exit status. Throws when it cannot be locked in.
int serveSupervisor(const Place& place, int channel, Dispatcher& dispatcher);
/// `listener`: the socket to accept on; `welcome`: whom to let in.
int serveSocket(const Place& place, int listener, std::vector<uid_t> welcome, Dispatcher& dispatcher);

}  // namespace smsd::kit
