// SPDX-License-Identifier: GPL-3.0-or-later
// The command line of smsd-exporter.
//
// Owns the options and their help. Called by main.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace smsd::exporter {

struct Options {
  std::filesystem::path socket;
  std::optional<std::filesystem::path> textfile;
  std::vector<std::string> hosts;  // further names that a request may have as its host
  bool list = false;
  bool unlocked = false;
};

/// Reads the command line. Exits with the help, the version or an error, whose status it returns in `status`;
/// returns false then.
bool readOptions(int argc, char** argv, Options& options, int& status);

}  // namespace smsd::exporter
