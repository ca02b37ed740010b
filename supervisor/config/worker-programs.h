// SPDX-License-Identifier: GPL-3.0-or-later
// Where the program of a worker is: smsd-worker-<kind> beside smsd, in the folder of the installed workers,
// or in the folder of the administrator's own workers.
//
// Owns the order of these places, and the rules about the administrator's folder: it has no program with the
// name of a kind of smsd's own, and only root (or the user who runs smsd) can change a program in it. Called
// by config.cpp and by startup. Looks at the file system, changes nothing. Fails by returning problems.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/config/keys.h"
#include "supervisor/config/config.h"

namespace smsd::config {

/// The folders in which programs of workers are looked for.
struct WorkerFolders {
  std::filesystem::path own;        // workers_directory; empty: none
  std::filesystem::path beside;     // of the running program: a build, a container
  std::filesystem::path installed;  // of the built-in kinds
};
WorkerFolders workerFolders(const Config& config);

/// Returns `worker:` if it is given, otherwise the first program of that kind: beside the running program or
/// installed, and for a kind that is not built in, before these, in the administrator's folder. If there is
/// none, returns the path in the folder of the installed workers.
std::filesystem::path findWorker(const WorkerFolders& folders, const DispatcherConfig& dispatcher);

/// Returns the names of all kinds that a dispatcher can have: built in, or with a program in one of the
/// folders. A name may be there twice.
std::vector<std::string> knownKinds(const WorkerFolders& folders);

/// Returns why the dispatcher's worker program cannot be executed, or why this user does not trust it: it is
/// in the administrator's folder or named by `worker`, and another user can change it.
std::optional<std::string> problemOfProgram(const WorkerFolders& folders, const DispatcherConfig& dispatcher);

/// Checks the administrator's folder, and that each dispatcher of a kind that is not built in has a program.
/// Also with activation: socket, because otherwise a misspelt kind would be noticed only when nothing is
/// sent.
std::vector<Problem> checkWorkerPrograms(const Keys& keys, const Config& config);
/// The same with other folders.
std::vector<Problem> checkWorkerPrograms(const Keys& keys, const Config& config,
                                         const WorkerFolders& folders);

}  // namespace smsd::config
