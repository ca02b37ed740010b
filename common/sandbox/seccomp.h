// SPDX-License-Identifier: GPL-3.0-or-later
// seccomp: restricts the system calls that a process may still make.
//
// Owns the list of calls that a worker's libraries need: the KJ loop, libcurl, OpenSSL, glibc and its
// resolver, the journal, and a modem's terminal if the policy names a device. The list comes from strace of
// each worker at work, with TLS, lookups and everything that its tests do. Called by lockIn() as its last
// step, by sealThreads() and by separateOutput(). Throws LockFailed.
#pragma once

#include "common/sandbox/sandbox.h"

namespace smsd::sandbox {

void restrictSystemCalls(const Policy& policy);

/// Adds a second filter for all threads, which forbids clone(). Call after restrictSystemCalls().
void refuseThreads();

/// Allows only to read, write and exit.
void restrictToCopying();

}  // namespace smsd::sandbox
