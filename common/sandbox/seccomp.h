// seccomp: which system calls a process may still make.
//
// Owns the allow-list of what a worker's libraries need: the KJ loop, libcurl and its resolver threads,
// OpenSSL, glibc, the journal, and a modem's terminal where the policy names a device. Called by lockIn()
// alone, last. Throws LockFailed.
#pragma once

#include "common/sandbox/sandbox.h"

namespace smsd::sandbox {

void restrictSystemCalls(const Policy& policy);

}  // namespace smsd::sandbox
