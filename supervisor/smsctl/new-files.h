// SPDX-License-Identifier: GPL-3.0-or-later
// Writes files that a command has made into a folder of the operator's: all of them or none.
//
// Called by `config import-nav` and `new`. Overwrites nothing and follows no link in a file's name. Throws
// CommandError.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "supervisor/smsctl/commands.h"

namespace smsd::smsctl {

struct NewFile {
  std::filesystem::path path;  // below the output folder
  std::string content;
  unsigned mode = 0640;
};

/// Writes all files below `output`, and creates the missing folders. If one cannot be written, removes those
/// that were.
void writeAllNew(const std::filesystem::path& output, const std::vector<NewFile>& files);

}  // namespace smsd::smsctl
