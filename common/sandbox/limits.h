// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of a lock that are neither Landlock nor seccomp: resource limits, and no inspection.
//
// Called by lockIn() and ProgramLock. Throws LockFailed.
#pragma once

#include "common/sandbox/sandbox.h"

namespace smsd::sandbox {

void requireOneThread();
void limitResources(const Policy& policy);
void setPrivate();

}  // namespace smsd::sandbox
