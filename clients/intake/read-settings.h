// SPDX-License-Identifier: GPL-3.0-or-later
// Reads intake.yaml and the tokens' files, and prints its keys.
//
// Called before the process locks itself in. Fails by returning problems, which quote no secret.
#pragma once

#include <string>

#include "clients/intake/arguments.h"
#include "clients/intake/settings.h"

namespace smsd::webintake {

/// Returns the problems, one a line; empty if there are none.
std::string readSettings(const IntakeOptions& options, IntakeSettings& settings);

/// Prints the keys, as text or as JSON.
void printKeys(const IntakeOptions& options);

}  // namespace smsd::webintake
