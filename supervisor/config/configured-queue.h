// SPDX-License-Identifier: GPL-3.0-or-later
// Opens the queue that the configuration names, for the daemon and smsctl alike.
#pragma once

#include <memory>
#include <string>

#include "supervisor/queue/built-in.h"
#include "supervisor/config/config.h"
#include "supervisor/queue/queue.h"

namespace smsd::config {

inline std::unique_ptr<queue::Queue> openQueue(const Config& config) {
  if (config.queue.backend == Backend::postgresql) return queue::openPostgresql(config.queue.postgresql);
  return queue::openSqlite(config.queue.sqlite.string());
}

inline std::string backendName(const Config& config) {
  return config.queue.backend == Backend::postgresql ? "postgresql" : "sqlite";
}

}  // namespace smsd::config
