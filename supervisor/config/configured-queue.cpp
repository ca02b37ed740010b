// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/config/configured-queue.h"

#include <fmt/format.h>

#include "common/config/secret-file.h"
#include "supervisor/queue/built-in.h"
#include "supervisor/queue/loaded-queue.h"

namespace smsd::config {
namespace {

queue::LoadedQueue loadedQueue(const Config& config) {
  const auto& queue = config.queue;
  return {queue.directory.empty() ? SMSD_QUEUES : queue.directory, queue.backend, queue.connection};
}

queue::QueueError unreadable(const SecretRead& read) {
  return {queue::QueueError::Kind::notInstalled, fmt::format("queue.connection_file: {}", read.problem)};
}

/// The same with the text of queue.connection_file.
queue::LoadedQueue connected(const Config& config) {
  queue::LoadedQueue which = loadedQueue(config);
  const auto& file = config.queue.connectionFile;
  if (file.empty()) return which;
  const SecretRead read = readSecretFile(file, file);
  if (!read.problem.empty()) throw unreadable(read);
  which.connection = read.secret.reveal();
  return which;
}

std::unique_ptr<queue::Queue> open(const Config& config, queue::IfNoQueue none) {
  switch (backendOf(config)) {
    case Backend::postgresql:
      return queue::openPostgresql(config.queue.postgresql);
    case Backend::sqlite:
      return queue::openSqlite(config.queue.sqlite.string(), none);
    case Backend::loaded:
      break;
  }
  return queue::openLoaded(connected(config));
}

}  // namespace

std::unique_ptr<queue::Queue> openQueue(const Config& config) { return open(config, queue::IfNoQueue::make); }

std::unique_ptr<queue::Queue> openExistingQueue(const Config& config) {
  return open(config, queue::IfNoQueue::refuse);
}

std::string damageOfQueue(const Config& config, Milliseconds patience) {
  if (backendOf(config) != Backend::sqlite) return "";
  return queue::damageOfSqlite(config.queue.sqlite.string(), patience);
}

bool isQueueGone(const Config& config) {
  std::error_code error;
  return backendOf(config) == Backend::sqlite && !std::filesystem::exists(config.queue.sqlite, error) &&
         !error && queue::wasUsedSqlite(config.queue.sqlite.string());
}

queue::InstallReport installQueue(const Config& config, const queue::InstallOptions& options) {
  switch (backendOf(config)) {
    case Backend::postgresql:
      return queue::installPostgresql(config.queue.postgresql, options);
    case Backend::sqlite:
      return queue::installSqlite(config.queue.sqlite.string());
    case Backend::loaded:
      break;
  }
  return queue::installLoaded(connected(config), options);
}

void checkQueueObject(const Config& config) {
  if (backendOf(config) != Backend::loaded) return;
  queue::checkLoaded(loadedQueue(config));
  const auto& file = config.queue.connectionFile;
  if (file.empty()) return;
  // A file that is closed to this user may be open to that of smsd, whose start reads it.
  if (const SecretRead read = readSecretFile(file, file);
      !read.problem.empty() && read.found != SecretRead::Found::closed)
    throw unreadable(read);
}

}  // namespace smsd::config
