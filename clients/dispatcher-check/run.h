// SPDX-License-Identifier: GPL-3.0-or-later
// Makes the chosen checks one after the other, and prints the progress.
//
// Owns the order, and what one check's failure means for the others. Called by main.
#pragma once

#include "clients/dispatcher-check/arguments.h"

namespace smsd::check {

/// Returns the exit status.
int run(const Arguments& arguments);

}  // namespace smsd::check
