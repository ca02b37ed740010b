// SPDX-License-Identifier: GPL-3.0-or-later
// Looks at the host for the move from NAV: systemd, units, sockets, processes. Changes nothing.
//
// Called by the move. A thing that cannot be looked at counts as missing.
#pragma once

#include <filesystem>
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
/// Returns the processes on this host that run NAV's smsd: a Python with that script.
std::vector<int> navSmsdProcesses();

}  // namespace smsd::smsctl::move
