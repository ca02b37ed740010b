// SPDX-License-Identifier: GPL-3.0-or-later
// `smsctl config install`: checks configuration files and puts them in their places, with owner and mode.
//
// Owns the check of files that are not in their places yet: together with those that are, in a folder of its
// own, by a process of the user smsd, and removed at a signal. Called by smsctl's main, as root unless it
// only shows what it would do. Installs no file if one has a mistake or cannot be written. Throws
// CommandError with each mistake as file:line:column.
#pragma once

#include <string>
#include <vector>

#include "supervisor/smsctl/commands.h"

namespace smsd::smsctl {

struct InstallArguments {
  std::vector<std::string> files;
  std::string config;  // the path of smsd.yaml, whose folder is the target
  enum class Mode { install, dryRun } mode = Mode::install;
};

int installConfig(const InstallArguments& arguments, Form form);

}  // namespace smsd::smsctl
