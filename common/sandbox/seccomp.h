// seccomp: which system calls a process may still make.
//
// Owns the allow-list of what a worker's libraries need: the KJ loop, libcurl, OpenSSL, glibc and its
// resolver, the journal, and a modem's terminal where the policy names a device. It was measured: strace of
// each worker at work, with TLS, lookups and all that its tests do. Called by lockIn(), last, by
// sealThreads() and by separateOutput(). Throws LockFailed.
#pragma once

#include "common/sandbox/sandbox.h"

namespace smsd::sandbox {

void restrictSystemCalls(const Policy& policy);

/// A second filter, for all threads: no clone(). After restrictSystemCalls().
void refuseThreads();

/// For a process that reads, writes and ends.
void restrictToCopying();

}  // namespace smsd::sandbox
