// The inner lock: a process gives up, for good, what it does not need. The unit that started it is the outer
// wall.
//
// Owns Landlock (files, devices, TCP ports, scopes), seccomp and the resource limits. Called by the workers'
// kit before a worker serves and before its threads start; works without any privilege. Fails closed: what
// cannot be put in force throws.
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

/// What has to stay in reach. A path that is missing grants nothing and is no failure: opening it fails
/// later.
struct Policy {
  std::vector<std::filesystem::path> readable{};  // files or folders
  std::vector<std::filesystem::path> writable{};  // files, opened again for appending
  std::vector<std::filesystem::path> devices{};   // read, write, ioctl
  Network network = Network::none;
  std::vector<std::uint16_t>
      connectPorts{};             // TCP ports that may be connected to; empty: any (with Network::outbound)
  std::uint64_t openFiles = 256;  // RLIMIT_NOFILE
};

class LockFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Returns what is in force, for describe(): "no_new_privs", "landlock:7", "seccomp", "rlimits". Throws
/// LockFailed, also when threads run already: they would stay outside. What needs a Unix socket has opened it
/// before: the journal's (journal::open), systemd's (systemd::openNotifySocket).
std::vector<std::string> lockIn(const Policy& policy);

/// What a network client's libraries read when they resolve names and verify certificates (Debian's paths).
std::vector<std::filesystem::path> resolverAndCertificates();

}  // namespace smsd::sandbox
