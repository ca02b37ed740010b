// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/sandbox/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

namespace smsd::sandbox {
namespace {

// The kernel's values. Debian 12's header ends at ABI 2, so later ones are defined here.
constexpr std::uint64_t fsRightsOfAbi1 = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;  // EXECUTE to MAKE_SYM
constexpr std::uint64_t fsRefer = 1ULL << 13;                                     // ABI 2
constexpr std::uint64_t fsTruncate = 1ULL << 14;                                  // ABI 3
constexpr std::uint64_t netBindTcp = 1ULL << 0;                                   // ABI 4
constexpr std::uint64_t netConnectTcp = 1ULL << 1;                                // ABI 4
constexpr std::uint64_t fsIoctlDevice = 1ULL << 15;                               // ABI 5
constexpr std::uint64_t scopeAbstractUnixSocket = 1ULL << 0;                      // ABI 6
constexpr std::uint64_t scopeSignal = 1ULL << 1;                                  // ABI 6
constexpr auto ruleNetPort = static_cast<landlock_rule_type>(2);                  // ABI 4
constexpr int latestAbi = 7;
constexpr int abiOfScopes = 6;

struct RulesetAttr {
  std::uint64_t handledFs = 0;
  std::uint64_t handledNet = 0;  // ABI 4
  std::uint64_t scoped = 0;      // ABI 6
};
struct NetPortAttr {
  std::uint64_t allowed = 0;
  std::uint64_t port = 0;
};

// A kernel refuses a structure that is longer than the one it knows.
std::size_t sizeFor(int abi) { return abi >= abiOfScopes ? 24 : abi >= 4 ? 16 : 8; }

[[noreturn]] void failLandlock(const std::string& what) { fail("landlock: " + what); }

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool isOpen() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

int probeAbi() {
  long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 1) failLandlock("this kernel does not offer it");
  return static_cast<int>(std::min<long>(abi, latestAbi));
}

RulesetAttr handledBy(int abi, const Policy& policy) {
  RulesetAttr handled;
  handled.handledFs = fsRightsOfAbi1;
  if (abi >= 2) handled.handledFs |= fsRefer;
  if (abi >= 3) handled.handledFs |= fsTruncate;
  if (abi >= 5) handled.handledFs |= fsIoctlDevice;
  if (abi >= 4) {
    bool anyPort = policy.network == Network::outbound && policy.connectPorts.empty();
    handled.handledNet = anyPort ? netBindTcp : netBindTcp | netConnectTcp;
  }
  if (abi >= abiOfScopes) handled.scoped = scopeAbstractUnixSocket | scopeSignal;
  return handled;
}

// A path that is missing, or that this user cannot reach, gets no rule. Opening it fails later.
bool isAbsent(int error) {
  return error == ENOENT || error == ENOTDIR || error == EACCES || error == ELOOP || error == ENXIO;
}

void allowPath(int ruleset, const std::filesystem::path& path, std::uint64_t file, std::uint64_t folder) {
  Descriptor opened(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!opened.isOpen()) {
    if (isAbsent(errno)) return;
    failLandlock("cannot open " + path.string());
  }
  struct stat status {};
  if (::fstat(opened.get(), &status) != 0) failLandlock("cannot stat " + path.string());
  landlock_path_beneath_attr rule{};
  rule.allowed_access = S_ISDIR(status.st_mode) ? folder : file;
  rule.parent_fd = opened.get();
  if (rule.allowed_access == 0)
    throw LockFailed("landlock: " + path.string() + " is a folder, expected a file");
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
    failLandlock("cannot add a rule for " + path.string());
}

void allowPaths(int ruleset, const Policy& policy, std::uint64_t handled) {
  constexpr std::uint64_t read = LANDLOCK_ACCESS_FS_READ_FILE;
  constexpr std::uint64_t write = LANDLOCK_ACCESS_FS_WRITE_FILE;
  for (auto& path : policy.readable) allowPath(ruleset, path, read, read | LANDLOCK_ACCESS_FS_READ_DIR);
  for (auto& path : policy.executable) allowPath(ruleset, path, read | LANDLOCK_ACCESS_FS_EXECUTE, 0);
  // Grant no right to truncate, so that a process cannot shorten a file that it appends to.
  for (auto& path : policy.writable) allowPath(ruleset, path, write, 0);
  for (auto& path : policy.devices) allowPath(ruleset, path, (read | write | fsIoctlDevice) & handled, 0);
  for (auto& path : policy.removable) {
    allowPath(ruleset, path, 0, LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE);
    allowPath(ruleset, path.parent_path(), 0, LANDLOCK_ACCESS_FS_REMOVE_DIR);
  }
}

void allowPorts(int ruleset, const Policy& policy, std::uint64_t handled) {
  if (policy.network != Network::outbound || (handled & netConnectTcp) == 0) return;
  for (auto port : policy.connectPorts) {
    NetPortAttr rule{netConnectTcp, port};
    if (::syscall(SYS_landlock_add_rule, ruleset, ruleNetPort, &rule, 0) != 0)
      failLandlock("cannot add a rule for TCP port " + std::to_string(port));
  }
}

}  // namespace

Ruleset::Ruleset(const Policy& policy) : abi_(probeAbi()) {
  RulesetAttr handled = handledBy(abi_, policy);
  Descriptor made(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, sizeFor(abi_), 0)));
  if (!made.isOpen()) failLandlock("cannot create a ruleset");
  allowPaths(made.get(), policy, handled.handledFs);
  allowPorts(made.get(), policy, handled.handledNet);
  fd_ = made.release();
}

Ruleset::Ruleset(OfSignals) : abi_(probeAbi()) {
  if (!scopesSignals()) return;
  RulesetAttr handled;
  handled.scoped = scopeSignal;
  fd_ = static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, sizeFor(abi_), 0));
  if (fd_ < 0) failLandlock("cannot create a ruleset of signals");
}

Ruleset::~Ruleset() {
  if (fd_ >= 0) ::close(fd_);
}

bool Ruleset::scopesSignals() const { return abi_ >= abiOfScopes; }

int Ruleset::putInForce() const noexcept {
  return ::syscall(SYS_landlock_restrict_self, fd_, 0) == 0 ? 0 : errno;
}

int restrictReach(const Policy& policy) {
  const Ruleset ruleset(policy);
  errno = ruleset.putInForce();
  if (errno != 0) failLandlock("cannot be put in force");
  return ruleset.abi();
}

}  // namespace smsd::sandbox
