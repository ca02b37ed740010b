// The socket that systemd listens on for a service and hands over when somebody connects (sd_listen_fds(3)).
//
// Owns what that has to be: exactly one descriptor, a listening Unix stream socket, with a name that says it
// is meant for us. Called by the workers' kit. What is wrong is a ListenerError that says what was expected.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace smsd::systemd {

class ListenerError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// True: this process was handed sockets, right or wrong.
bool wasHandedSockets();

/// The descriptor. `names`: what it may be called (FileDescriptorName=), the first is what an operator is
/// told to call it. The variables that handed it over are gone afterwards.
int takeListener(const std::vector<std::string>& names);

}  // namespace smsd::systemd
