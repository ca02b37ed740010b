// SPDX-License-Identifier: GPL-3.0-or-later
// seccomp: restricts the system calls that a process may still make.
//
// Owns the list of calls that a worker's libraries need: the KJ loop, libcurl, OpenSSL, glibc and its
// resolver, the journal, and a modem's terminal if the policy names a device. The list comes from strace of
// each worker at work, with TLS, lookups and everything that its tests do. Programs that a worker starts have
// a longer list. Called by lockIn() and ProgramLock as their last step, by sealThreads() and by
// separateOutput(). Throws LockFailed.
#pragma once

#include <cstdint>
#include <vector>

#include "common/sandbox/sandbox.h"

namespace smsd::sandbox {

void restrictSystemCalls(const Policy& policy);

/// Adds a second filter for all threads, which forbids clone(). Call after restrictSystemCalls().
void refuseThreads();

/// For a process that starts programs, and for these. Allows to start programs and to map the code of files,
/// but no code that the process itself has written, and nothing that reaches into another process.
void restrictSystemCallsOfPrograms(const Policy& policy);

/// Returns a filter, one BPF instruction in each element, that allows a process to signal its own process
/// group and no other process.
std::vector<std::uint64_t> filterOfSignals();

/// Allows only to read, write and exit.
void restrictToCopying();

}  // namespace smsd::sandbox
