// SPDX-License-Identifier: GPL-3.0-or-later
// The two queues that are part of smsd. Called by the room config, which knows the one that is configured.
//
// Connect or open the file at the first call. Fail as described in queue.h.
#pragma once

#include <memory>
#include <string>

#include "supervisor/queue/installation.h"
#include "supervisor/queue/queue.h"

namespace smsd::queue {

/// `connection`: a connection string of libpq.
std::unique_ptr<Queue> openPostgresql(const std::string& connection);
std::unique_ptr<Queue> openSqlite(const std::string& path);

/// The same connection or path, and what `smsctl db install` does there.
InstallReport installPostgresql(const std::string& connection, const InstallOptions& options);
InstallReport installSqlite(const std::string& path);

/// Returns the role that a connection string of libpq names; empty if it names none, or is not valid.
std::string roleOf(const std::string& connection);

}  // namespace smsd::queue
