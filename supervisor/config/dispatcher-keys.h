// SPDX-License-Identifier: GPL-3.0-or-later
// The keys of one dispatcher in smsd.yaml, the paths that follow from its name, and the check of its files.
//
// Owns the names, bounds, defaults and help of these keys. Called by config.cpp, for `dispatchers` and for
// `admin_mail`. Looks at the file system only in checkDispatcherFiles(); changes nothing. Fails by returning
// problems.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/config/keys.h"
#include "supervisor/config/config.h"

namespace smsd::config {

/// Declares all keys of an entry of `dispatchers`.
void declareDispatcher(Keys& keys, DispatcherConfig& dispatcher);
/// Declares the keys that define how a worker is run, whatever it is for. `section`: the prefix of the keys,
/// with the dot. `ofKind`: whether the key `kind` has to be given.
void declareWorker(Keys& keys, const std::string& section, DispatcherConfig& dispatcher, Presence ofKind);

/// Returns why the dispatcher cannot have its name.
std::optional<std::string> problemOfName(const DispatcherConfig& dispatcher);
std::vector<Problem> findEqualNames(const Keys& keys, const Config& config);

/// Sets the paths that are not given, and makes all of them absolute. `folder`: the folder of smsd.yaml.
void makeAbsolute(DispatcherConfig& dispatcher, const std::filesystem::path& folder);

/// Checks the files of the dispatchers that smsd starts, as far as this user can see them.
std::vector<Problem> checkDispatcherFiles(const Keys& keys, const Config& config);

}  // namespace smsd::config
