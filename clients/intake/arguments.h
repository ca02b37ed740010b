// SPDX-License-Identifier: GPL-3.0-or-later
// The command line of smsd-intake.
//
// Owns the options and their help. Called by main.
#pragma once

#include <filesystem>

namespace smsd::webintake {

struct IntakeOptions {
  std::filesystem::path config;  // empty: the credential `config`
  std::string configName;        // the name of the file in messages
  bool check = false, explain = false, json = false, list = false, unlocked = false;
};

/// Reads the command line. Exits with the help, the version or an error, whose status it returns in `status`;
/// returns false then.
bool readOptions(int argc, char** argv, IntakeOptions& options, int& status);

}  // namespace smsd::webintake
