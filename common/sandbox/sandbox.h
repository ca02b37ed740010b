// SPDX-License-Identifier: GPL-3.0-or-later
// The inner lock: a process permanently gives up all rights that it does not need. The sandbox of its systemd
// unit is the outer lock.
//
// Owns Landlock (files, devices, TCP ports, scopes), seccomp and the resource limits. Called by the workers'
// kit before a worker serves and before its threads start; needs no privilege. All code has to be loaded
// before, because a locked process can map nothing executable. Fails closed: throws if a part of the lock
// cannot be put in force.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "common/fault.h"
#include "common/sandbox/policy.h"

namespace smsd::sandbox {

class LockFailed : public Explained {
  using Explained::Explained;
};

/// Throws LockFailed with `what` and the words for errno.
[[noreturn]] inline void fail(const std::string& what) {
  throw LockFailed(what + ": " + std::strerror(errno));
}

/// Locks this process. Returns the parts in force, for describe(): "no_new_privs", "landlock:7", "seccomp",
/// "rlimits". Throws LockFailed, also if other threads already run, because these would stay unlocked. Open
/// Unix sockets before: the journal's (journal::open) and systemd's (systemd::openNotifySocket).
std::vector<std::string> lockIn(const Policy& policy);

/// Forbids new threads from now on, unless `policy` allows them at any time. Throws LockFailed.
void sealThreads(const Policy& policy);

/// Keeps other processes of the same user from inspecting this one, and prevents core dumps. Call before the
/// process reads secrets. Throws LockFailed.
void keepPrivate();

}  // namespace smsd::sandbox
