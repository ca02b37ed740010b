// SPDX-License-Identifier: GPL-3.0-or-later
// Whether smsd can write to its state directory. Called for the status of the running daemon, and by smsctl
// if none runs. Looks with the rights of this process, and writes nothing.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace smsd::control {

struct FolderTrouble {
  std::string what;
  std::string next;  // a command that shows it
};

/// Returns what keeps smsd from writing to `folder`; none: nothing does, or the folder is missing, which
/// smsd makes at its start.
std::optional<FolderTrouble> troubleOf(const std::filesystem::path& folder);

}  // namespace smsd::control
