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
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "common/fault.h"

namespace smsd::sandbox {

enum class Network {
  none,      // only sockets that are already open
  outbound,  // TCP and UDP clients, and name lookups, but no new Unix socket
};

/// When a process starts its threads.
enum class Threads {
  atTheStart,  // before sealThreads()
  anyTime,     // as it needs them, bounded only by its memory
};

/// The rights that a process keeps. A missing path is ignored: opening it fails later.
struct Policy {
  std::vector<std::filesystem::path> readable{};  // files or folders
  std::vector<std::filesystem::path> writable{};  // files, opened again for appending
  std::vector<std::filesystem::path> devices{};   // read, write, ioctl
  Network network = Network::none;
  std::vector<std::uint16_t>
      connectPorts{};  // TCP ports to connect to; if empty, any (with Network::outbound)
  // RLIMIT_NOFILE. Measured use: 7 (debug), 10 (gammu).
  std::uint64_t openFiles = 64;
  // RLIMIT_DATA in bytes: the heap, the stacks of threads, and all other private writable memory. Measured
  // use: 3 MiB (debug with 8,192 SMS), 8 MiB (gammu).
  std::uint64_t memory = 64 << 20;
  Threads threads = Threads::atTheStart;
};

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

/// Returns the paths (Debian's) that a network client's libraries read to look up names and verify
/// certificates.
std::vector<std::filesystem::path> resolverAndCertificates();

}  // namespace smsd::sandbox
