// SPDX-License-Identifier: GPL-3.0-or-later
// The command line of smsd-dispatcher-check.
//
// Owns the options, their help and their bounds. Called by main. Throws CLI::ParseError.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "clients/dispatcher-check/settings.h"

namespace smsd::check {

struct Arguments {
  RunSettings settings;
  std::vector<std::string> only;
  bool list = false;
  bool json = false;
  bool yes = false;
};

/// SMS that a run may send without --yes.
constexpr unsigned mostUnasked = 20;

/// Reads the command line; also the file that --config names. Exits with the help, the version or an error,
/// whose status it returns in `status`; returns false then.
bool readArguments(int argc, char** argv, Arguments& arguments, int& status);

}  // namespace smsd::check
