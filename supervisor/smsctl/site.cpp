// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/site.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "supervisor/smsctl/commands.h"

namespace smsd::smsctl {
namespace {

using Why = control::Unreachable::Why;

/// Returns why this user may not read the file; empty: the file is readable, or has another fault.
std::string whyClosed(const std::string& file) {
  if (access(file.c_str(), R_OK) == 0 || errno != EACCES) return "";
  return fmt::format("{} cannot be read ({})", file, std::strerror(EACCES));
}

bool mayWrite(const std::filesystem::path& socket) { return access(socket.c_str(), W_OK) == 0; }

/// Whether a socket is there that this user may not open.
bool isDenied(const std::filesystem::path& controlSocket) {
  for (const auto& place : config::placesOf(controlSocket))
    if (!mayWrite(place) && errno == EACCES) return true;
  return false;
}

}  // namespace

Site siteOf(const std::string& file, Named named) {
  Site site;
  if (named == Named::byDefault) site.closed = whyClosed(file);
  if (!site.closed.empty()) return site;
  auto read = config::readConfig(file, config::Reach::valuesOnly);
  if (!read.problems.empty()) throw CommandError(EX_CONFIG, config::describe(read.problems));
  site.config = std::move(read.config);
  return site;
}

Site siteOfStatus(const std::string& file, Named named) {
  Site site = siteOf(file, named);
  if (isDenied(site.config.controlSocket) && mayWrite(site.config.statusSocket))
    site.config.controlSocket = site.config.statusSocket;
  return site;
}

std::optional<control::Client> daemonOf(const Site& site, Straight straight) {
  std::optional<control::Client> client;
  try {
    client.emplace(site.config.controlSocket);
  } catch (const control::Unreachable& error) {
    const bool closed = !site.closed.empty();
    if (closed && error.why() == Why::notRunning)
      throw control::Unreachable(
          Why::notRunning, fmt::format("{}; {}, so that this user can neither look for another path of the "
                                       "socket there nor work on the queue without smsd",
                                       error.what(), site.closed));
    const bool passes = error.why() == Why::notRunning ||
                        (error.why() == Why::denied && straight != Straight::ifNotRunning) ||
                        (error.why() == Why::inDoubt && straight == Straight::ifUnheard);
    if (closed || !passes) throw;
    return std::nullopt;
  }
  if (site.closed.empty() && straight == Straight::ifUnheard && !client->heard()) client.reset();
  return client;
}

}  // namespace smsd::smsctl
