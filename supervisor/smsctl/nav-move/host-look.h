// SPDX-License-Identifier: GPL-3.0-or-later
// Looks at the host for the move from NAV: systemd, units, sockets, processes. Changes nothing.
//
// Called by the move. A thing that cannot be looked at counts as missing. Processes are judged by their
// words and their user: any user may run a script that is called smsd.py.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace smsd::smsctl::move {

/// systemd runs, and smsd.service is installed.
bool systemdRuns();
/// smsd.target is installed.
bool hasTarget();
/// The socket and the service for workers of this kind are installed.
bool hasUnits(const std::string& kind);
/// Returns the folder of the Unix socket of a PostgreSQL server on this host; empty if there is none, or if
/// `host` is another one.
std::string localSocketFolder(const std::string& host, const std::string& port);
/// A program accepts connections at the socket.
bool listensAt(const std::filesystem::path& socket);
/// The processes on this host that look like NAV's smsd: a Python with a script of that name.
struct NavProcesses {
  std::vector<int> ofNav;
  std::vector<int> ofOthers;  // of a user that is not NAV's: any user may run a script of that name
};
NavProcesses navSmsdProcesses(const std::set<uid_t>& users);
/// Returns the users whose processes can be NAV's smsd: root, NAV's user, and the owner of NAV's folder.
std::set<uid_t> usersOfNav(const std::string& user, const std::filesystem::path& navFolder);

}  // namespace smsd::smsctl::move
