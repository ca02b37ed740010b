// SPDX-License-Identifier: GPL-3.0-or-later
// The tasks that smsd does once, instead of running: NAV's --cancel, --test and --TEST.
//
// Called by main. --cancel and --test go through the daemon if one runs, so that its SMS in progress are
// respected (NAV's smsd acts beside the running daemon); otherwise they work alone. --TEST always writes to
// the queue itself, and wakes the daemon. Each prints its result and returns the exit status. Throws
// StartUpError.
#pragma once

#include "supervisor/config/config.h"
#include "supervisor/smsd/arguments.h"

namespace smsd {

/// Returns the configuration with the flags applied. Throws StartUpError with all problems.
config::Config usableConfig(const Arguments& arguments, config::Reach reach);

int cancelAll(const Arguments& arguments);
/// Needs no queue. Returns 69 if no dispatcher accepted the SMS.
int sendTest(const Arguments& arguments);
int enqueueTest(const Arguments& arguments);

}  // namespace smsd
