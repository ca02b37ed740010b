// SPDX-License-Identifier: GPL-3.0-or-later
// Command line of sendsms. The first word that is no option begins the numbers and the text, so that a text
// may begin with a dash.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace smsd::sendsms {

struct SendsmsOptions {
  std::filesystem::path socket = "/run/smsd/intake/intake.sock";
  std::vector<std::string> words = {};  // the numbers and the text
};

/// Fills `options`; returns whether to go on. Otherwise `status` is the exit status.
bool readArguments(int argc, char** argv, SendsmsOptions& options, int& status);

}  // namespace smsd::sendsms
