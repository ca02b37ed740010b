// SPDX-License-Identifier: GPL-3.0-or-later
// Opens and installs the queue that the configuration names, for the daemon and smsctl alike.
//
// Owns the choice among the built-in queues and a loaded one. Reads queue.connection_file each time. Fails by
// QueueError.
#pragma once

#include <memory>
#include <string>

#include "supervisor/config/config.h"
#include "supervisor/queue/queue.h"

namespace smsd::config {

/// For smsd itself: a missing or empty SQLite file becomes a queue.
std::unique_ptr<queue::Queue> openQueue(const Config& config);
/// For all other programs, which would hide by a new queue that the old one is gone. Throws `notInstalled`
/// for a missing or empty SQLite file.
std::unique_ptr<queue::Queue> openExistingQueue(const Config& config);
/// Returns how the SQLite file of the queue is damaged; empty: it is sound, as far as it could be read within
/// `patience`, it cannot be opened, or the queue is no SQLite file.
std::string damageOfQueue(const Config& config, Milliseconds patience);
/// Whether an smsd has used the SQLite file of the queue, which is gone now.
bool isQueueGone(const Config& config);
/// `smsctl db install`.
queue::InstallReport installQueue(const Config& config, const queue::InstallOptions& options);
/// Throws `notInstalled` if the queue is a shared object that smsd refuses, or if the file with its
/// connection is missing or open to others. Connects to nothing.
void checkQueueObject(const Config& config);

inline const std::string& backendName(const Config& config) { return config.queue.backend; }

}  // namespace smsd::config
