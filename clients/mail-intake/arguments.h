// SPDX-License-Identifier: GPL-3.0-or-later
// Command line of smsd-mail-intake, as Postfix's master.cf has it.
#pragma once

#include <filesystem>
#include <string>

namespace smsd::mailintake {

struct FilterOptions {
  std::filesystem::path socket = "/run/smsd/intake/intake.sock";
  std::string to = {};  // numbers or groups; empty: those of the subject
  int severity = 0;     // 0: none
  bool unlocked = false;
};

/// Fills `options`; returns whether to go on. Otherwise `status` is the exit status. Wrong arguments are
/// EX_TEMPFAIL, so that a mistake in master.cf returns no alert to its sender.
bool readArguments(int argc, char** argv, FilterOptions& options, int& status);

}  // namespace smsd::mailintake
