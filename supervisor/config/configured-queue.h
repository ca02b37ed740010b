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

std::unique_ptr<queue::Queue> openQueue(const Config& config);
/// `smsctl db install`.
queue::InstallReport installQueue(const Config& config, const queue::InstallOptions& options);
/// Throws `notInstalled` if the queue is a shared object that smsd refuses, or if the file with its
/// connection is missing or open to others. Connects to nothing.
void checkQueueObject(const Config& config);

inline const std::string& backendName(const Config& config) { return config.queue.backend; }

}  // namespace smsd::config
