// SPDX-License-Identifier: GPL-3.0-or-later
// The commands in advice, as the operator has to type them: with --config if this command was given it.
//
// Called for every error of a command and for every advice that it prints. Pure.
#pragma once

#include <string>

#include "common/text/shell.h"

namespace smsd::smsctl {

constexpr const char* defaultConfig = "/etc/smsd/smsd.yaml";

/// Returns " --config FILE"; empty for the file that smsctl reads by default.
inline std::string optionOf(const std::string& file) {
  return file == defaultConfig ? "" : " --config " + text::shellWord(file);
}

/// Returns `words` with `option` in each command in backticks: `smsctl queue held`.
inline std::string advised(const std::string& words, const std::string& option) {
  constexpr std::string_view program = "`smsctl ";
  if (option.empty()) return words;
  std::string result;
  std::size_t at = 0;
  for (std::size_t found; (found = words.find(program, at)) != std::string::npos;
       at = found + program.size()) {
    result += words.substr(at, found - at) + "`smsctl";
    if (words.compare(found + program.size(), 8, "--config") != 0) result += option;
    result += ' ';
  }
  return result + words.substr(at);
}

}  // namespace smsd::smsctl
