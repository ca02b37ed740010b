// The inner lock: a process gives up, for good, what it does not need. The unit that started it is the outer
// wall.
//
// Owns Landlock (files, devices, TCP ports, scopes), seccomp and the resource limits. Called by the workers'
// kit before a worker serves and before its threads start; works without any privilege. All code that runs
// later is loaded before: nothing is mapped executable behind the lock. Fails closed: what cannot be put in
// force throws.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace smsd::sandbox {

enum class Network {
  none,      // no socket but those already open
  outbound,  // TCP and UDP clients, name resolution; no Unix socket either
};

/// When a process starts its threads.
enum class Threads {
  atTheStart,  // before sealThreads()
  anyTime,     // as it needs them: bounded by its memory alone
};

/// What has to stay in reach. A path that is missing grants nothing and is no failure: opening it fails
/// later.
struct Policy {
  std::vector<std::filesystem::path> readable{};  // files or folders
  std::vector<std::filesystem::path> writable{};  // files, opened again for appending
  std::vector<std::filesystem::path> devices{};   // read, write, ioctl
  Network network = Network::none;
  std::vector<std::uint16_t>
      connectPorts{};  // TCP ports that may be connected to; empty: any (with Network::outbound)
  // RLIMIT_NOFILE. Measured: 7 (debug), 10 (gammu).
  std::uint64_t openFiles = 64;
  // RLIMIT_DATA, bytes: the heap, the stacks of threads, and all else that is private and writable. Measured:
  // 3 MiB (debug with 8,192 SMS), 8 MiB (gammu).
  std::uint64_t memory = 64 << 20;
  Threads threads = Threads::atTheStart;
};

class LockFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Returns what is in force, for describe(): "no_new_privs", "landlock:7", "seccomp", "rlimits". Throws
/// LockFailed, also when threads run already: they would stay outside. What needs a Unix socket has opened it
/// before: the journal's (journal::open), systemd's (systemd::openNotifySocket).
std::vector<std::string> lockIn(const Policy& policy);

/// From now on this process starts no thread, unless its policy allows it at any time. Throws LockFailed.
void sealThreads(const Policy& policy);

/// Nobody of the same user looks into this process, and it leaves no core. For a process that reads secrets,
/// before it does. Throws LockFailed.
void keepPrivate();

/// What a network client's libraries read when they resolve names and verify certificates (Debian's paths).
std::vector<std::filesystem::path> resolverAndCertificates();

}  // namespace smsd::sandbox
