// Landlock: which files, devices and TCP ports a process may still reach, and which neighbours it may signal
// or talk to.
//
// Owns the ruleset made of a Policy. Called by lockIn() alone, after no_new_privs is set. Holds for the
// calling thread and those it starts later, so never called with other threads about. Throws LockFailed.
#pragma once

#include "common/sandbox/sandbox.h"

namespace smsd::sandbox {

/// Returns the ABI that was used: what the kernel has, or the latest one known here.
int restrictReach(const Policy& policy);

}  // namespace smsd::sandbox
