// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/site.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/io/output.h"
#include "supervisor/smsctl/commands.h"

namespace smsd::smsctl {
namespace {

using Why = control::Unreachable::Why;

bool mayWrite(const std::filesystem::path& socket) { return access(socket.c_str(), W_OK) == 0; }

/// Whether a socket is there that this user may not open.
bool isDenied(const std::filesystem::path& controlSocket) {
  for (const auto& place : config::placesOf(controlSocket))
    if (!mayWrite(place) && errno == EACCES) return true;
  return false;
}

void warnOfFault(const Site& site) {
  if (site.fault.empty() || site.warn == Site::Warn::no) return;
  const std::string first = site.fault.substr(0, site.fault.find('\n'));
  io::complainAs("smsctl", fmt::format("warning: smsd could not start again, and runs with what it read "
                                       "before: {}",
                                       first));
}

}  // namespace

std::string whyClosed(const std::string& file, Named named) {
  if (named == Named::byOperator || access(file.c_str(), R_OK) == 0 || errno != EACCES) return "";
  return fmt::format("{} cannot be read ({})", file, std::strerror(EACCES));
}

Site siteOf(const std::string& file, Named named) {
  Site site;
  site.option = optionOf(file);
  site.closed = whyClosed(file, named);
  if (!site.closed.empty()) return site;
  auto read = config::readConfig(file, config::Reach::valuesOnly);
  if (!namesSocket(read, named)) throw CommandError(EX_CONFIG, config::describe(read.problems));
  site.fault = config::describe(read.problems);
  site.config = std::move(read.config);
  return site;
}

bool namesSocket(const config::ConfigRead& read, Named named) {
  return read.problems.empty() || named == Named::byDefault ||
         read.config.controlSocket != config::Config().controlSocket;
}

std::filesystem::path socketOfStatus(const config::Config& config) {
  const bool statusOnly = isDenied(config.controlSocket) && mayWrite(config.statusSocket);
  return statusOnly ? config.statusSocket : config.controlSocket;
}

Site siteOfStatus(const std::string& file, Named named) {
  Site site = siteOf(file, named);
  site.config.controlSocket = socketOfStatus(site.config);
  return site;
}

std::optional<control::Client> daemonOf(const Site& site, Straight straight) {
  std::optional<control::Client> client;
  try {
    client.emplace(site.config.controlSocket);
  } catch (const control::Unreachable& error) {
    if (!site.fault.empty() && error.why() == Why::notRunning) throw CommandError(EX_CONFIG, site.fault);
    const bool closed = !site.wasRead();
    if (!site.closed.empty() && error.why() == Why::notRunning)
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
  if (site.wasRead() && straight == Straight::ifUnheard && !client->heard()) client.reset();
  if (client) warnOfFault(site);
  return client;
}

control::Client runningDaemon(const Site& site) {
  try {
    control::Client client(site.config.controlSocket);
    warnOfFault(site);
    return client;
  } catch (const control::Unreachable& error) {
    if (!site.fault.empty() && error.why() == Why::notRunning) throw CommandError(EX_CONFIG, site.fault);
    throw;
  }
}

}  // namespace smsd::smsctl
