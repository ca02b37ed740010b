// SPDX-License-Identifier: GPL-3.0-or-later
// What a lock leaves open: the part of the sandbox that a kind of dispatcher sees. sandbox.h puts it in
// force.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace smsd::sandbox {

enum class Network {
  none,      // only sockets that are already open
  outbound,  // TCP and UDP clients, and name lookups, but no new Unix socket
};

/// Landlock does not restrict connections to Unix sockets at a path, so a process that may make any can reach
/// each one that its unit and the modes of files let it reach.
enum class UnixSockets {
  none,     // only sockets that are already open
  connect,  // new stream sockets, for a client of a daemon that may be restarted
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
  // For a ProgramLock only: files to read and execute, and folders whose files, and which themselves, may be
  // removed. A worker executes and removes nothing.
  std::vector<std::filesystem::path> executable{};
  std::vector<std::filesystem::path> removable{};
  Network network = Network::none;
  std::vector<std::uint16_t>
      connectPorts{};  // TCP ports to connect to; if empty, any (with Network::outbound)
  UnixSockets unixSockets = UnixSockets::none;
  // RLIMIT_NOFILE. Measured use: 7 (debug), 10 (gammu).
  std::uint64_t openFiles = 64;
  // RLIMIT_DATA in bytes: the heap, the stacks of threads, and all other private writable memory. Measured
  // use: 3 MiB (debug with 8,192 SMS), 8 MiB (gammu).
  std::uint64_t memory = 64 << 20;
  Threads threads = Threads::atTheStart;
};

/// Returns the paths (Debian's) that a network client's libraries read to look up names and verify
/// certificates.
std::vector<std::filesystem::path> resolverAndCertificates();

}  // namespace smsd::sandbox
