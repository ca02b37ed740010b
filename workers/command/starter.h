// SPDX-License-Identifier: GPL-3.0-or-later
// The process that starts programs: the starter. The worker forks it before the worker locks itself in,
// because a locked worker can start nothing.
//
// Owns the programs from their start to their end. The starter has no thread and little memory, so that a
// fork of it is cheap. For each program it forks a minder (minder.h), so that a program is ended with all
// processes that it has started, in whatever session or process group they are. Called by the worker through
// a socket with messages of a fixed form (starter-messages.h). It ends, and ends all programs, when the
// worker closes the socket or dies.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "common/sandbox/policy.h"

namespace smsd::command {

struct ProgramSpec {
  std::filesystem::path program;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  // NAME=VALUE, before the variables of one SMS
  sandbox::Policy policy;
  std::filesystem::path removable;  // the folder of secrets, removed at the end; may be empty
  unsigned most = 1;                // programs at once
};

/// Forks the starter, and returns the worker's end of the socket to it when the starter is locked in. Throws
/// Explained if that is not possible.
int forkStarter(const ProgramSpec& spec);

}  // namespace smsd::command
