// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/config/queue-names.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <system_error>

namespace smsd::config {
namespace {

namespace fs = std::filesystem;

/// A path that smsd uses, and what for.
struct Use {
  fs::path path;
  std::string purpose;
};

/// Returns the files that smsd has or will have, except those of the queue and control.socket, whose own rule
/// compares it with the queue.
std::vector<Use> otherFiles(const Keys& keys, const Config& config, const fs::path& file) {
  const fs::path& folder = config.stateDirectory;
  std::vector<Use> uses = {{file, "this file"}, {folder, "state_directory"}};
  for (const char* name : {"instance", "paused", "paused.new", "admin-mail"})
    uses.push_back({folder / name, "a file of smsd's own (state_directory)"});
  const auto add = [&](const std::string& section, const DispatcherConfig& dispatcher) {
    uses.push_back(
        {dispatcher.config, fmt::format("{}config (at {})", section, keys.where(section + "config"))});
    if (dispatcher.activation == Activation::socket)
      uses.push_back(
          {dispatcher.socket, fmt::format("{}socket (at {})", section, keys.where(section + "socket"))});
    if (!dispatcher.worker.empty())
      uses.push_back(
          {dispatcher.worker, fmt::format("{}worker (at {})", section, keys.where(section + "worker"))});
  };
  for (std::size_t i = 0; i < config.dispatchers.size(); ++i) {
    add(fmt::format("dispatchers[{}].", i), config.dispatchers[i]);
    uses.push_back(
        {folder / ("today-" + config.dispatchers[i].name), "a file of smsd's own (state_directory)"});
  }
  if (config.adminMail.enabled()) add("admin_mail.", config.adminMail.worker);
  return uses;
}

}  // namespace

fs::path realPath(const fs::path& path) {
  std::error_code failed;
  fs::path real = fs::weakly_canonical(path, failed);
  return failed ? path : real;
}

std::vector<fs::path> filesOfQueue(const Config& config) {
  std::vector<fs::path> files;
  if (backendOf(config) == Backend::sqlite)
    for (const char* suffix : {"", "-wal", "-shm", "-journal", ".lock", ".reserve"})
      files.emplace_back(realPath(config.queue.sqlite).string() + suffix);
  return files;
}

std::vector<Problem> checkQueueFiles(const Keys& keys, const Config& config, const fs::path& file) {
  const auto ours = filesOfQueue(config);
  for (const Use& use : otherFiles(keys, config, file)) {
    const auto same = std::find(ours.begin(), ours.end(), realPath(use.path));
    if (same == ours.end()) continue;
    return {
        {keys.where("queue.sqlite.path"),
         fmt::format("queue.sqlite.path: {} is {}, expected a path of its own",
                     same == ours.begin() ? use.path.string()
                                          : fmt::format("{}, which is beside the queue,", use.path.string()),
                     use.purpose)}};
  }
  return {};
}

}  // namespace smsd::config
