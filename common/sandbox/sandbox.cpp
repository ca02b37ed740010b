#include "common/sandbox/sandbox.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iterator>
#include <system_error>

#include "common/sandbox/landlock.h"
#include "common/sandbox/seccomp.h"

namespace {

bool lockedIn = false;

}  // namespace

#if defined(__SANITIZE_ADDRESS__)
// The leak check at exit clones a process and ptraces this one: just what the lock forbids.
extern "C" int __lsan_is_turned_off() { return lockedIn ? 1 : 0; }
#endif

namespace smsd::sandbox {
namespace {

// Enough for a journal entry handed over in a memfd and for a log that is a file; a worker has nothing else
// to fill.
constexpr rlim_t mostFileSize = 64 << 20;

[[noreturn]] void fail(const std::string& what) { throw LockFailed(what + ": " + std::strerror(errno)); }

// Landlock holds for the calling thread and those it starts; one that runs already would stay outside.
void requireOneThread() {
#if !defined(__SANITIZE_THREAD__)
  std::error_code error;
  std::filesystem::directory_iterator threads("/proc/self/task", error);
  if (error) return;  // no /proc to look at: that lockIn() comes first is the caller's word
  if (std::distance(begin(threads), end(threads)) > 1)
    throw LockFailed("threads were started before the lock");
#endif
}

void limit(int resource, rlim_t most, const char* name) {
  rlimit now{};
  if (::getrlimit(static_cast<__rlimit_resource>(resource), &now) != 0) fail(name);
  rlim_t value = std::min(most, now.rlim_max);
  rlimit wanted{value, value};
  if (::setrlimit(static_cast<__rlimit_resource>(resource), &wanted) != 0) fail(name);
}

void limitResources(const Policy& policy) {
  limit(RLIMIT_CORE, 0, "RLIMIT_CORE");
  limit(RLIMIT_NOFILE, policy.openFiles, "RLIMIT_NOFILE");
  if (!policy.writable.empty()) return;
  limit(RLIMIT_FSIZE, mostFileSize, "RLIMIT_FSIZE");
  // A log file at its limit costs lines, not the worker.
  if (std::signal(SIGXFSZ, SIG_IGN) == SIG_ERR) fail("SIGXFSZ");
}

}  // namespace

std::vector<std::string> lockIn(const Policy& policy) {
  requireOneThread();
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("no_new_privs");
  limitResources(policy);
  int abi = restrictReach(policy);
  // Nobody of the same user looks into a process that holds a gateway's password.
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) fail("dumpable");
  restrictSystemCalls(policy);
  lockedIn = true;
  return {"no_new_privs", "landlock:" + std::to_string(abi), "seccomp", "rlimits"};
}

std::vector<std::filesystem::path> resolverAndCertificates() {
  return {
      // names; a resolv.conf is often a link into one of these folders, where it is replaced, not rewritten
      "/etc/resolv.conf", "/run/systemd/resolve", "/run/NetworkManager", "/run/resolvconf",
      "/etc/nsswitch.conf", "/etc/hosts", "/etc/host.conf", "/etc/gai.conf", "/etc/services",
      "/etc/protocols", "/etc/networks",
      // the modules that nsswitch.conf names are loaded at the first lookup
      "/etc/ld.so.cache", "/usr/lib", "/usr/lib64", "/lib", "/lib64",
      // certificates, and the links in /etc/ssl/certs
      "/etc/ssl/openssl.cnf", "/etc/ssl/certs", "/usr/share/ca-certificates",
      "/usr/local/share/ca-certificates"};
}

}  // namespace smsd::sandbox
