// SPDX-License-Identifier: GPL-3.0-or-later
// The files of Debian that a program needs to run at all, by the word of the key `runtime`.
//
// Owns the lists. Called when the keys are declared, because their help has the lists, and when the lock of
// the programs is made. Reads names of files only.
#pragma once

#include <string>
#include <vector>

#include "common/sandbox/policy.h"

namespace smsd::command {

enum class Runtime {
  fixed,   // nothing: a program without shared libraries
  native,  // the loader, and shared libraries
  shell,   // native, and the shells
  python,  // native, and Python
  perl,    // native, and Perl
};

/// A list of paths, with * and [0-9] as in glob(7).
struct RuntimeFiles {
  std::vector<std::string> executable;
  std::vector<std::string> readable;
};

/// Returns the files of `runtime` alone, without those of native.
const RuntimeFiles& filesOf(Runtime runtime);
/// Adds the files that exist, those of native included.
void allowRuntime(Runtime runtime, sandbox::Policy& policy);
/// Returns the lists as a text for the help of the key.
std::string explainRuntimes();

}  // namespace smsd::command
