// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/sandbox/sandbox.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <iterator>
#include <system_error>

#include "common/sandbox/landlock.h"
#include "common/sandbox/limits.h"
#include "common/sandbox/name-services.h"
#include "common/sandbox/output.h"
#include "common/sandbox/seccomp.h"

namespace {

bool lockedIn = false;

}  // namespace

#if defined(SMSD_ADDRESS_SANITIZER)
// Turn off the leak check at exit, because it clones a process and ptraces this one, which the lock forbids.
extern "C" int __lsan_is_turned_off() { return lockedIn ? 1 : 0; }
#endif

namespace smsd::sandbox {
namespace {

// Measured (VmPeak, in MiB): 16 (debug), 150 (gammu), 160 (http with 256 requests), 500 (mail with 16
// conversations). Most of it is library code and addresses that glibc reserves for the heaps of threads.
// RLIMIT_DATA is the effective bound; this one bounds the page tables, which RLIMIT_DATA does not count.
constexpr rlim_t mostAddresses = 4ULL << 30;
// Workers never send queued signals, lock memory or open message queues.
constexpr rlim_t mostPendingSignals = 64;
constexpr rlim_t mostStack = 8 << 20;
// glibc reserves 64 MiB of addresses for each heap of a thread, and would make hundreds on a large host.
constexpr int mostHeaps = 8;
// A thread's stack in bytes. Measured use: 84 KiB (libgammu), 20 KiB (libcurl with TLS), 12 KiB (a lookup).
constexpr std::size_t threadStack = 1 << 20;

void limit(int resource, rlim_t most, const char* name) {
  rlimit now{};
  if (::getrlimit(static_cast<__rlimit_resource>(resource), &now) != 0) fail(name);
  rlim_t value = std::min(most, now.rlim_max);
  rlimit wanted{value, value};
  if (::setrlimit(static_cast<__rlimit_resource>(resource), &wanted) != 0) fail(name);
}

// The sanitizers' shadow memory exceeds every bound.
#if defined(SMSD_ADDRESS_SANITIZER) || defined(SMSD_THREAD_SANITIZER)
void limitMemory(const Policy&) {}
#else
void limitMemory(const Policy& policy) {
  limit(RLIMIT_DATA, policy.memory, "RLIMIT_DATA");
  limit(RLIMIT_AS, mostAddresses, "RLIMIT_AS");
  ::mallopt(M_ARENA_MAX, mostHeaps);
  pthread_attr_t attributes;
  if (::pthread_getattr_default_np(&attributes) != 0 ||
      ::pthread_attr_setstacksize(&attributes, threadStack) != 0 ||
      ::pthread_setattr_default_np(&attributes) != 0)
    throw LockFailed("the threads' stacks cannot be bounded");
  ::pthread_attr_destroy(&attributes);
}
#endif

}  // namespace

// Landlock binds only the calling thread and the threads that it starts later. Threads that already run would
// stay unlocked.
void requireOneThread() {
#if !defined(SMSD_THREAD_SANITIZER)
  std::error_code error;
  std::filesystem::directory_iterator threads("/proc/self/task", error);
  if (error) return;  // without /proc, rely on the caller
  if (std::distance(begin(threads), end(threads)) > 1)
    throw LockFailed("threads were started before the lock");
#endif
}

void limitResources(const Policy& policy) {
  limit(RLIMIT_CORE, 0, "RLIMIT_CORE");
  limit(RLIMIT_NOFILE, policy.openFiles, "RLIMIT_NOFILE");
  limit(RLIMIT_MEMLOCK, 0, "RLIMIT_MEMLOCK");
  limit(RLIMIT_MSGQUEUE, 0, "RLIMIT_MSGQUEUE");
  limit(RLIMIT_SIGPENDING, mostPendingSignals, "RLIMIT_SIGPENDING");
  limit(RLIMIT_STACK, mostStack, "RLIMIT_STACK");
  limitMemory(policy);
  if (!policy.writable.empty()) return;
  limit(RLIMIT_FSIZE, mostFileSize, "RLIMIT_FSIZE");
  // Ignore SIGXFSZ, so that a log file at its limit loses lines but does not kill the worker.
  if (std::signal(SIGXFSZ, SIG_IGN) == SIG_ERR) fail("SIGXFSZ");
}

void setPrivate() {
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) fail("dumpable");
}

void keepPrivate() {
  limit(RLIMIT_CORE, 0, "RLIMIT_CORE");
#if !defined(SMSD_ADDRESS_SANITIZER)
  setPrivate();  // not with the leak check, which ptraces this process and needs it dumpable
#endif
}

std::vector<std::string> lockIn(const Policy& policy) {
  requireOneThread();
  if (policy.network == Network::outbound) loadNameServices();
  ::tzset();  // reads /etc/localtime, which log lines and libgammu need
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("no_new_privs");
  limitResources(policy);
  int abi = restrictReach(policy);
  setPrivate();
  restrictSystemCalls(policy);
  lockedIn = true;
  return {"no_new_privs", "landlock:" + std::to_string(abi), "seccomp", "rlimits"};
}

void sealThreads(const Policy& policy) {
  if (policy.threads == Threads::atTheStart && lockedIn) refuseThreads();
}

std::vector<std::filesystem::path> resolverAndCertificates() {
  return {
      // Name lookups. resolv.conf is often a link into one of these folders, where it is replaced as a whole.
      "/etc/resolv.conf", "/run/systemd/resolve", "/run/NetworkManager", "/run/resolvconf",
      "/etc/nsswitch.conf", "/etc/hosts", "/etc/host.conf", "/etc/gai.conf", "/etc/services",
      "/etc/protocols", "/etc/networks",
      // Certificates, and the targets of the links in /etc/ssl/certs.
      "/etc/ssl/openssl.cnf", "/etc/ssl/certs", "/usr/share/ca-certificates",
      "/usr/local/share/ca-certificates"};
}

}  // namespace smsd::sandbox
