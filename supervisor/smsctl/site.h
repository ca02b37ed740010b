// SPDX-License-Identifier: GPL-3.0-or-later
// Where a command works: the configuration, the running daemon, or the queue itself.
//
// A member of the operators' group may use control.sock, but may not read /etc/smsd, because it holds the
// gateways' passwords. Such a user works through the daemon alone, at the default path of its socket. A user
// who may read the configuration works through the daemon if it runs, otherwise straight on the queue. If the
// configuration has a fault, commands go through the running daemon, which uses what it read before. Called
// by all commands. Fails by throwing CommandError, Unreachable or QueueError.
#pragma once

#include <kj/exception.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "supervisor/config/config.h"
#include "supervisor/config/configured-queue.h"
#include "supervisor/control/client.h"
#include "supervisor/queue/queue.h"
#include "supervisor/smsctl/advice.h"
#include "supervisor/smsctl/command-error.h"

namespace smsd::smsctl {

struct Site {
  config::Config config;                         // the defaults if the configuration is closed to this user
  std::string closed;                            // why it is closed; empty: it was read
  std::string fault;                             // in words, what is wrong with it; empty: nothing is
  enum class Warn { yes, no } warn = Warn::yes;  // of `fault`, if the daemon runs all the same

  std::string option;  // " --config FILE", if the operator named the file

  bool wasRead() const { return closed.empty() && fault.empty(); }
};

/// Whether the operator has named the file of the configuration. A file that was named has to be readable.
enum class Named { byDefault, byOperator };
inline Named namedIn(const std::string& file) {
  return file == defaultConfig ? Named::byDefault : Named::byOperator;
}

/// Throws CommandError if the configuration is wrong, and names no socket at which the daemon may listen.
Site siteOf(const std::string& file, Named named);
/// Returns why this user may not read the file of the configuration; empty: it is readable, or was named, or
/// has another fault.
std::string whyClosed(const std::string& file, Named named);
/// Whether `read` names the socket. A configuration with a fault may name another one than could be read;
/// then the default socket belongs to the configuration at the default path only.
bool namesSocket(const config::ConfigRead& read, Named named);
/// The socket for commands that show the state only: a user who may not use control.sock uses status.sock.
std::filesystem::path socketOfStatus(const config::Config& config);
/// The same as siteOf for these commands.
Site siteOfStatus(const std::string& file, Named named);

/// When a command works straight on the queue, if this user may read the configuration.
enum class Straight {
  ifNotRunning,  // only if no daemon runs
  ifDenied,      // also if this user may not use the daemon's socket
  ifUnheard,     // also if the daemon does not answer: it hangs, or is of an older version
};

/// For commands that need the daemon. Throws Unreachable, or CommandError if it does not run and could not
/// start with the configuration.
control::Client runningDaemon(const Site& site);
/// Returns none if the command has to work straight on the queue.
std::optional<control::Client> daemonOf(const Site& site, Straight straight);

/// Throws the error of the daemon's queue that an answer carries, or CommandError with `status` for another
/// problem.
template <typename Response>
void checkAnswer(const Response& response, int status) {
  if (const auto error = control::queueError(response.getFault(), response.getProblem())) throw *error;
  if (response.getProblem().size() > 0) throw CommandError(status, response.getProblem().cStr());
}

/// Returns `through(client)` or `straightOn(queue)`.
template <typename Through, typename StraightOn>
auto throughOrStraight(const Site& site, Straight straight, Through through, StraightOn straightOn) {
  if (auto client = daemonOf(site, straight)) {
    try {
      return through(*client);
    } catch (const kj::Exception& error) {
      // An older daemon does not know the call, and an upgrade restarts it in a moment.
      if (error.getType() != kj::Exception::Type::UNIMPLEMENTED || !site.wasRead()) throw;
    }
  }
  return straightOn(*config::openExistingQueue(site.config));
}

}  // namespace smsd::smsctl
