// SPDX-License-Identifier: GPL-3.0-or-later
// Landlock: restricts which files, devices and TCP ports a process may still reach, and which other processes
// it may signal or connect to.
//
// Owns the ruleset that implements a Policy. Called by lockIn() alone, after no_new_privs is set. Landlock
// binds the calling thread and the threads that it starts later, so no other thread may run yet. Throws
// LockFailed.
#pragma once

#include "common/sandbox/sandbox.h"

namespace smsd::sandbox {

/// Returns the ABI in use: the kernel's, or the latest that this code knows if that is lower.
int restrictReach(const Policy& policy);

}  // namespace smsd::sandbox
