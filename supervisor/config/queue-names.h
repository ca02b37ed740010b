// SPDX-License-Identifier: GPL-3.0-or-later
// Checks that the files of an SQLite queue differ from all other files of smsd's own.
//
// Two of smsd's files at one path would overwrite each other: a pause, for example, would replace the queue.
// Owns the list of files that the queue has or will have. Called by config.cpp and socket-names.cpp. Follows
// symbolic links, changes nothing. Fails by returning problems.
#pragma once

#include <filesystem>
#include <vector>

#include "common/config/keys.h"
#include "supervisor/config/config.h"

namespace smsd::config {

/// Returns the path without symbolic links, as far as it exists.
std::filesystem::path realPath(const std::filesystem::path& path);

/// Returns the real paths of the queue's file and of the files beside it; none if the queue is no SQLite
/// file.
std::vector<std::filesystem::path> filesOfQueue(const Config& config);

/// Called after the paths were made absolute. `file`: smsd.yaml itself.
std::vector<Problem> checkQueueFiles(const Keys& keys, const Config& config,
                                     const std::filesystem::path& file);

}  // namespace smsd::config
