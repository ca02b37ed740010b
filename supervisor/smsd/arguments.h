// SPDX-License-Identifier: GPL-3.0-or-later
// smsd's command line: NAV's flags and smsd's own.
//
// Owns their names, their help and which go together. Called by main. Reads nothing but its arguments. A
// wrong argument causes one line that names the flag, and exit status 64.
#pragma once

#include <optional>
#include <string>

#include "supervisor/config/flag-overrides.h"

namespace smsd {

/// The task of this run: `none` is the daemon, the others are errands.
enum class Errand { none, check, cancel, test, enqueue };

struct Arguments {
  std::string config = "/etc/smsd/smsd.yaml";
  Errand errand = Errand::none;
  config::Overrides overrides;
  std::string phone;  // for test and enqueue
  std::string text = "This is a test message from smsd.";
  int account = 0;  // for enqueue
};

struct ParsedArguments {
  Arguments arguments;
  std::optional<int> exitStatus;  // set if all is printed already: help, version or an error
};

ParsedArguments parseArguments(int argc, char** argv);

}  // namespace smsd
