// SPDX-License-Identifier: GPL-3.0-or-later
// Takes the socket that systemd listens on for a service and passes to it at the first connection
// (sd_listen_fds(3)).
//
// Owns the requirements: exactly one descriptor, a listening stream socket, with a name that this service
// expects. Called by the workers' kit and the exporter. Fails with a ListenerError that names the expected
// socket.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace smsd::systemd {

class ListenerError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Returns true if systemd passed sockets to this process, right or wrong ones.
bool wasHandedSockets();

/// Where the socket may listen.
enum class Listens {
  unixSocket,  // at a path
  anywhere,    // also at an address of the network
};

/// Returns the descriptor. It has to have one of `names` (FileDescriptorName=); errors advise the first of
/// them. Removes systemd's LISTEN_* variables from the environment.
int takeListener(const std::vector<std::string>& names, Listens listens = Listens::unixSocket);

}  // namespace smsd::systemd
