// SPDX-License-Identifier: GPL-3.0-or-later
// Ends a program after a CLI11 parse error, or after it has printed its help or version.
//
// Owns the words for every wrong argument: one line that begins with the program's name, names the command
// and the option, and ends with the help to read. Called by all programs with arguments. CLI11 itself would
// write its own texts to std::cout and std::cerr, and it quotes the argument; here none of its texts for
// errors is used, and its help goes through output.h.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace smsd::io {

/// Returns the words for `error` without the program's name, for example "--limit: expected a value". `app`
/// is the app that was parsed. A CLI::ValidationError already has words of this program: option-values.h, or
/// the program's own.
std::string wordsOf(const CLI::App& app, const CLI::ParseError& error);

/// Prints the help, version or error. Returns the exit status, EX_OK or EX_USAGE.
int exitStatusOf(const CLI::App& app, const CLI::ParseError& error);

}  // namespace smsd::io
