// SPDX-License-Identifier: GPL-3.0-or-later
// The candidates for the word that a shell is about to complete.
//
// Owns how the words so far are read against the declared commands: a new command or option is completed
// without a change here. The values of arguments follow from their names and types: a|b|c, FILE, KEY, KIND,
// and NAME and ID below certain commands. Called by `smsctl complete` (complete-command.cpp). Pure, except
// for the sources, which the caller supplies.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace smsd::smsctl {

/// Values given earlier on the line.
struct GivenValues {
  std::string config;  // of --config; empty: not given
  std::string kind;    // of --kind
};

struct CandidateSources {
  using Source = std::function<std::vector<std::string>(const GivenValues&)>;
  Source dispatchers, held, keys, kinds, heartbeats;
};

/// A line of the result that stands for the names of files, which the shell completes itself.
inline constexpr const char* filesWanted = ":files";

/// `words`: the arguments up to the cursor; the last one is the word to complete and may be empty. Returns
/// the candidates that begin with that word. A candidate that a shell could interpret is left out.
std::vector<std::string> candidates(CLI::App& app, const std::vector<std::string>& words,
                                    const CandidateSources& sources);

}  // namespace smsd::smsctl
