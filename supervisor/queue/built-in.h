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
/// Whether a missing or empty file becomes a queue. Only smsd and `smsctl db install` make one: another
/// program would hide that the queue is gone.
enum class IfNoQueue { make, refuse };
std::unique_ptr<Queue> openSqlite(const std::string& path, IfNoQueue none = IfNoQueue::make);

/// Returns how an SQLite file is damaged; empty: it is sound, as far as it could be read within `patience`,
/// or it cannot be opened. Reads the file and writes nothing.
std::string damageOfSqlite(const std::string& path, Duration patience);
/// Whether an smsd has used the queue at this path: its lock file is still there.
bool wasUsedSqlite(const std::string& path);

/// The same connection or path, and what `smsctl db install` does there.
InstallReport installPostgresql(const std::string& connection, const InstallOptions& options);
InstallReport installSqlite(const std::string& path);

/// Returns the role that a connection string of libpq names; empty if it names none, or is not valid.
std::string roleOf(const std::string& connection);

}  // namespace smsd::queue
