// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/config/worker-programs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>

#include "common/config/values.h"
#include "supervisor/config/kinds.h"

namespace smsd::config {
namespace {

namespace fs = std::filesystem;

bool canBeExecuted(const fs::path& program) {
  std::error_code error;
  return fs::is_regular_file(program, error) && access(program.c_str(), X_OK) == 0;
}

bool isSameFolder(const fs::path& one, const fs::path& other) {
  std::error_code error;
  return fs::equivalent(one, other, error);
}

/// Returns the folders to look in for a program of that kind, in this order. A built-in kind has its program
/// from smsd alone.
std::vector<fs::path> foldersFor(const WorkerFolders& folders, const std::string& kind) {
  if (isBuiltIn(kind) || folders.own.empty()) return {folders.beside, folders.installed};
  return {folders.own, folders.beside, folders.installed};
}

/// Returns the names of all kinds that a dispatcher can have: built in, or with a program in one of the
/// folders.
std::vector<std::string> knownKinds(const std::vector<fs::path>& folders) {
  std::vector<std::string> kinds;
  for (const auto& kind : builtInKinds()) kinds.push_back(kind.name);
  const std::string prefix = programOf("");
  for (const auto& folder : folders) {
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
      const std::string name = entry->path().filename();
      if (!name.starts_with(prefix) || !canBeExecuted(entry->path())) continue;
      if (std::string kind = name.substr(prefix.size()); !problemOfKind(kind)) kinds.push_back(kind);
    }
  }
  return kinds;
}

std::string noProgram(const WorkerFolders& folders, const DispatcherConfig& dispatcher) {
  const auto searched = foldersFor(folders, dispatcher.kind);
  for (const auto& folder : searched) {
    const fs::path program = folder / programOf(dispatcher.kind);
    std::error_code error;
    if (fs::exists(program, error))
      return fmt::format("{} cannot be executed, expected a program: check its mode and type",
                         program.string());
  }
  std::vector<std::string> places;
  for (const auto& folder : searched) places.push_back(folder.string());
  const auto near = closest(dispatcher.kind, knownKinds(searched));
  return fmt::format(
      "found no program {} for kind {} in {}: {}put it into one of these folders, set `workers_directory` to "
      "its folder, or set `worker` to its path",
      programOf(dispatcher.kind), dispatcher.kind, fmt::join(places, ", "),
      near ? fmt::format("did you mean {}? Otherwise ", *near) : "");
}

/// Returns why this user does not trust the file or folder: another user could have put a program there.
std::optional<std::string> problemOfOwner(const fs::path& path, mode_t open = S_IWGRP | S_IWOTH) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return std::nullopt;  // of what does not exist, others report
  if (status.st_uid != 0 && status.st_uid != geteuid())
    return fmt::format(
        "{} belongs to user {}, expected root: chown root it, because its owner decides what smsd "
        "executes",
        path.string(), status.st_uid);
  if ((status.st_mode & open) != 0)
    return fmt::format(
        "{} can be changed by others than its owner (mode {:04o}), expected by root alone: chmod "
        "go-w it, because smsd executes it",
        path.string(), status.st_mode & 07777);
  return std::nullopt;
}

/// Checks a folder and all above it, because a user who can rename one of them can put another folder in its
/// place. A sticky folder such as /tmp does not allow that.
std::optional<std::string> problemOfFolders(const fs::path& folder) {
  if (auto problem = problemOfOwner(folder)) return problem;
  for (fs::path above = folder.parent_path(); above.has_relative_path(); above = above.parent_path()) {
    struct stat status {};
    const bool sticky = stat(above.c_str(), &status) == 0 && (status.st_mode & S_ISVTX) != 0;
    if (sticky && status.st_uid == 0) continue;
    // Debian's group staff may write to /usr/local.
    if (auto problem = problemOfOwner(above, S_IWOTH)) return problem;
  }
  return std::nullopt;
}

/// Checks the program and its folders, and if it is a link, those of each link on the way.
std::optional<std::string> problemOfOwners(const fs::path& program) {
  constexpr int mostLinks = 40;  // as the kernel
  std::error_code error;
  fs::path at = program;
  for (int i = 0; i < mostLinks; ++i) {
    for (const fs::path& folder : {at.parent_path(), fs::canonical(at.parent_path(), error)})
      if (auto problem = problemOfFolders(folder)) return problem;
    if (!fs::is_symlink(at, error)) break;
    at = fs::canonical(at.parent_path(), error) / fs::read_symlink(at, error);
  }
  return problemOfOwner(at);
}

std::vector<std::string> problemsOfFolder(const WorkerFolders& folders) {
  if (folders.own.empty()) return {};
  struct stat status {};
  const bool found = stat(folders.own.c_str(), &status) == 0;
  if (found && !S_ISDIR(status.st_mode))
    return {fmt::format("{} is no folder, expected the folder of your own workers", folders.own.string())};
  if (!found || access(folders.own.c_str(), X_OK) != 0)
    return {fmt::format("{} cannot be entered ({}), expected a folder that this user may enter",
                        folders.own.string(), std::strerror(errno))};
  // Naming the folder of the installed workers adds nothing, and is no mistake.
  if (isSameFolder(folders.own, folders.installed) || isSameFolder(folders.own, folders.beside)) return {};
  std::vector<std::string> problems;
  for (const std::string& name : takenNames()) {
    const fs::path program = folders.own / programOf(name);
    std::error_code error;
    if (fs::symlink_status(program, error).type() == fs::file_type::not_found) continue;
    problems.push_back(fmt::format(
        "{} has a name that smsd keeps for its own {}, expected another name: rename it, or move it "
        "to another folder and set `worker` of a dispatcher to its path",
        program.string(), isBuiltIn(name) ? "kind " + name : "programs"));
  }
  return problems;
}

}  // namespace

WorkerFolders workerFolders(const Config& config) {
  std::error_code error;
  return {.own = config.workersDirectory,
          .beside = fs::read_symlink("/proc/self/exe", error).parent_path(),
          .installed = SMSD_LIBEXEC};
}

fs::path findWorker(const WorkerFolders& folders, const DispatcherConfig& dispatcher) {
  if (!dispatcher.worker.empty()) return dispatcher.worker;
  const std::string program = programOf(dispatcher.kind);
  for (const auto& folder : foldersFor(folders, dispatcher.kind))
    if (canBeExecuted(folder / program)) return folder / program;
  return folders.installed / program;
}

std::vector<std::string> knownKinds(const WorkerFolders& folders) {
  std::vector<fs::path> all = {folders.beside, folders.installed};
  if (!folders.own.empty()) all.push_back(folders.own);
  return knownKinds(all);
}

std::optional<std::string> problemOfProgram(const WorkerFolders& folders,
                                            const DispatcherConfig& dispatcher) {
  const fs::path program = findWorker(folders, dispatcher);
  if (!canBeExecuted(program)) return noProgram(folders, dispatcher);
  const bool isOwn = !folders.own.empty() && program.parent_path() == folders.own;
  return isOwn || !dispatcher.worker.empty() ? problemOfOwners(program) : std::nullopt;
}

std::vector<Problem> checkWorkerPrograms(const Keys& keys, const Config& config) {
  return checkWorkerPrograms(keys, config, workerFolders(config));
}

std::vector<Problem> checkWorkerPrograms(const Keys& keys, const Config& config,
                                         const WorkerFolders& folders) {
  std::vector<Problem> problems;
  for (const auto& problem : problemsOfFolder(folders))
    problems.push_back({keys.where("workers_directory"), "workers_directory: " + problem});
  const auto check = [&](const std::string& section, const DispatcherConfig& dispatcher) {
    if (!dispatcher.worker.empty() || isBuiltIn(dispatcher.kind)) return;
    if (problemOfKind(dispatcher.kind)) return;  // already reported
    if (auto problem = problemOfProgram(folders, dispatcher))
      problems.push_back({keys.where(section + "kind"), fmt::format("{}kind: {}", section, *problem)});
  };
  for (std::size_t i = 0; i < config.dispatchers.size(); ++i)
    check(fmt::format("dispatchers[{}].", i), config.dispatchers[i]);
  if (config.adminMail.enabled()) check("admin_mail.", config.adminMail.worker);
  return problems;
}

}  // namespace smsd::config
