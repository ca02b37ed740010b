// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/sandbox/seccomp.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <vector>

namespace smsd::sandbox {
namespace {

// Allowed with any arguments. Landlock and the open descriptors limit their reach.
constexpr const char* allowed[] = {
    // files
    "read", "readv", "pread64", "preadv", "preadv2", "write", "writev", "open", "openat", "close",
    "close_range", "stat", "fstat", "lstat", "newfstatat", "statx", "statfs", "fstatfs", "access",
    "faccessat", "faccessat2", "readlink", "readlinkat", "getdents64", "getcwd", "lseek", "dup", "dup2",
    "dup3", "pipe", "pipe2", "flock", "fsync", "fdatasync",
    // waiting
    "poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait",
    "epoll_pwait", "epoll_pwait2", "eventfd2", "timerfd_create", "timerfd_settime", "timerfd_gettime",
    "signalfd4",
    // open sockets
    "connect", "accept", "accept4", "recvfrom", "recvmsg", "recvmmsg", "shutdown", "getsockname",
    "getpeername", "getsockopt", "setsockopt",
    // the process's own signals
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait", "sigaltstack",
    "restart_syscall",
    // memory and threads
    "munmap", "mremap", "brk", "madvise", "membarrier", "futex", "futex_waitv", "set_robust_list", "rseq",
    "set_tid_address", "gettid", "sched_yield", "getcpu", "exit", "exit_group",
    // time and identity
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "times",
    "getpid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups",
    "uname", "sysinfo", "getrlimit", "getrusage", "getrandom"};

// No library here ever makes these calls, so a process that does is under an attacker's control.
constexpr const char* deadly[] = {"execve",
                                  "execveat",
                                  "ptrace",
                                  "process_vm_readv",
                                  "process_vm_writev",
                                  "pidfd_getfd",
                                  "kcmp",
                                  "mount",
                                  "umount2",
                                  "move_mount",
                                  "open_tree",
                                  "fsopen",
                                  "fsconfig",
                                  "fsmount",
                                  "fspick",
                                  "mount_setattr",
                                  "pivot_root",
                                  "chroot",
                                  "setns",
                                  "unshare",
                                  "bpf",
                                  "perf_event_open",
                                  "userfaultfd",
                                  "kexec_load",
                                  "kexec_file_load",
                                  "init_module",
                                  "finit_module",
                                  "delete_module",
                                  "add_key",
                                  "request_key",
                                  "keyctl",
                                  "open_by_handle_at",
                                  "reboot",
                                  "swapon",
                                  "swapoff",
                                  "acct",
                                  "iopl",
                                  "ioperm",
                                  "modify_ldt"};

// Requests that a serial line needs. Not TIOCSTI and the like, which inject input into a terminal.
constexpr unsigned long terminalRequests[] = {TCSETS,   TCSETSW,  TCSETSF,  TCFLSH,   TCXONC,
                                              TCSBRK,   TCSBRKP,  TIOCEXCL, TIOCNXCL, TIOCMGET,
                                              TIOCMSET, TIOCMBIS, TIOCMBIC, TIOCOUTQ, TIOCGEXCL};

// Allowed to programs in addition to `allowed`. Landlock limits the files and processes that these calls
// reach.
constexpr const char* allowedToPrograms[] = {
    // programs
    "execve", "fork", "vfork", "wait4", "waitid", "pause", "rt_sigsuspend", "kill", "tkill", "tgkill",
    "pidfd_open", "pidfd_send_signal", "getpgrp", "getpgid", "setpgid", "getsid", "setsid", "umask", "chdir",
    "fchdir", "capget", "arch_prctl", "set_thread_area",
    // the locks of each program
    "landlock_restrict_self", "seccomp",
    // files
    "openat2", "sendfile", "copy_file_range", "fadvise64", "unlink", "unlinkat", "rmdir",
    // time and order
    "alarm", "getitimer", "setitimer", "timer_create", "timer_settime", "timer_gettime", "timer_getoverrun",
    "timer_delete", "getpriority", "sched_getparam", "sched_getscheduler", "sched_get_priority_max",
    "sched_get_priority_min"};

using Conditions = std::vector<scmp_arg_cmp>;

scmp_arg_cmp is(unsigned argument, scmp_datum_t value) { return {argument, SCMP_CMP_EQ, value, 0}; }
scmp_arg_cmp masked(unsigned argument, scmp_datum_t mask, scmp_datum_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

class Filter {
 public:
  explicit Filter(std::uint32_t otherwise) : context_(seccomp_init(otherwise), seccomp_release) {
    if (!context_) throw LockFailed("seccomp: cannot create a filter");
  }

  void add(std::uint32_t action, const char* call, const Conditions& conditions = {}) {
    int number = seccomp_syscall_resolve_name(call);
    // A call that this architecture or libseccomp does not know keeps the filter's default action.
    if (number == __NR_SCMP_ERROR) return;
    check(seccomp_rule_add_array(context_.get(), action, number, static_cast<unsigned>(conditions.size()),
                                 conditions.data()),
          call);
  }
  void allow(const char* call, const Conditions& conditions = {}) { add(SCMP_ACT_ALLOW, call, conditions); }

  /// Returns the filter instead of putting it in force, one instruction in each element.
  std::vector<std::uint64_t> instructions() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail("seccomp: cannot create a pipe");
    const int result = seccomp_export_bpf(context_.get(), ends[1]);  // a few hundred bytes
    ::close(ends[1]);
    std::vector<std::uint64_t> read(maxInstructions);
    const ssize_t got = ::read(ends[0], read.data(), maxInstructions * sizeof read[0]);
    ::close(ends[0]);
    check(result, "cannot be written");
    if (got <= 0) throw LockFailed("seccomp: an empty filter");
    read.resize(static_cast<std::size_t>(got) / sizeof read[0]);
    return read;
  }

  void load() {
    check(seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_NNP, 0), "no_new_privs");  // set by the caller
    check(seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_TSYNC, 1), "thread synchronisation");
    check(seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), "architecture");
    // A tree instead of a list, because a busy worker makes some hundred thousand calls a second.
    check(seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "optimisation");
    check(seccomp_load(context_.get()), "cannot be put in force");
  }

 private:
  static constexpr std::size_t maxInstructions = 4096;

  static void check(int result, const char* what) {
    if (result != 0) throw LockFailed(std::string("seccomp: ") + what + ": " + std::strerror(-result));
  }

  std::unique_ptr<void, decltype(&seccomp_release)> context_;
};

/// Exactly the flags that pthread_create() passes to clone() in glibc 2.36 and 2.41.
constexpr unsigned threadFlags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                                 CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;

void allowThreadsButNoProcesses(Filter& filter) {
  filter.allow("clone", {is(0, threadFlags)});
  // clone3 passes its flags by a pointer, which a filter cannot follow. glibc falls back to clone.
  filter.add(SCMP_ACT_ERRNO(ENOSYS), "clone3");
}

// Allows no executable mapping, because all code is loaded before the lock (lockIn), and only private
// mappings, because RLIMIT_DATA does not count shared memory.
void allowMemory(Filter& filter) {
  filter.allow("mmap", {masked(2, PROT_EXEC, 0), masked(3, MAP_TYPE, MAP_PRIVATE)});
  filter.allow("mprotect", {masked(2, PROT_EXEC, 0)});
}

constexpr unsigned namespaceFlags =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

void allowProcesses(Filter& filter) {
  filter.allow("clone", {masked(0, namespaceFlags, 0)});
  filter.add(SCMP_ACT_ERRNO(ENOSYS), "clone3");
}

// Allows code of files only, which is never writable. Landlock limits the files. Shared memory that can be
// written to is refused, because RLIMIT_DATA does not count it.
void allowMemoryOfPrograms(Filter& filter) {
  allowMemory(filter);
  filter.allow("mmap", {masked(2, PROT_EXEC | PROT_WRITE, PROT_EXEC),
                        masked(3, MAP_TYPE | MAP_ANONYMOUS, MAP_PRIVATE)});
  filter.allow("mmap",
               {masked(2, PROT_EXEC | PROT_WRITE, 0), masked(3, MAP_TYPE | MAP_ANONYMOUS, MAP_SHARED)});
}

// The rules also fix the protocol, because Landlock's TCP rules do not cover MPTCP or SCTP.
void allowSockets(Filter& filter, const Policy& policy) {
  constexpr int kinds = 0xf;  // the type without SOCK_CLOEXEC and SOCK_NONBLOCK
  // Landlock does not restrict connections to Unix socket paths, such as the supervisor's control.sock or a
  // database that authenticates by the peer's user. On this errno, nscd's clients and nss-resolve assume that
  // their service is missing, and glibc goes on to the next service of nsswitch.conf.
  if (policy.unixSockets == UnixSockets::connect)
    filter.allow("socket", {is(0, AF_UNIX), masked(1, kinds, SOCK_STREAM)});
  else
    filter.add(SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket", {is(0, AF_UNIX)});
  // A stream pair stays connected to itself. A datagram pair could be connected again, and each of its
  // messages, with descriptors, could be addressed to another program's socket.
  filter.allow("socketpair", {is(0, AF_UNIX), masked(1, kinds, SOCK_STREAM)});
  // MSG_FASTOPEN would connect without connect(), which the Landlock of older kernels does not notice.
  filter.allow("sendto", {masked(3, MSG_FASTOPEN, 0)});
  filter.allow("sendmsg", {masked(2, MSG_FASTOPEN, 0)});
  filter.allow("sendmmsg", {masked(3, MSG_FASTOPEN, 0)});
  if (policy.network == Network::none) return;
  for (int family : {AF_INET, AF_INET6}) {
    for (int protocol : {0, static_cast<int>(IPPROTO_TCP)})
      filter.allow("socket", {is(0, family), masked(1, kinds, SOCK_STREAM), is(2, protocol)});
    for (int protocol : {0, static_cast<int>(IPPROTO_UDP)})
      filter.allow("socket", {is(0, family), masked(1, kinds, SOCK_DGRAM), is(2, protocol)});
  }
  // getaddrinfo reads the host's addresses from a bound netlink socket of protocol NETLINK_ROUTE, which is 0.
  filter.allow("socket", {is(0, AF_NETLINK), masked(1, kinds, SOCK_RAW), is(2, 0)});
  filter.allow("bind");
}

/// Allows fcntl by command. Not F_SETOWN, F_SETOWN_EX and F_SETSIG: they make the kernel signal any process
/// by its number, which the Landlock of kernels before 6.12 does not restrict. Nor F_NOTIFY and leases, which
/// send signals too.
void allowDescriptorCommands(Filter& filter) {
  for (int command : {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL})
    filter.allow("fcntl", {is(1, static_cast<scmp_datum_t>(command))});
  filter.allow("fcntl", {is(1, F_SETFL), masked(2, O_ASYNC, 0)});
}

/// Allows ioctl by request, without FIOASYNC, FIOSETOWN and SIOCSPGRP, and prctl by option, without
/// PR_SET_PDEATHSIG and PR_SET_PTRACER.
void allowControl(Filter& filter, const Policy& policy) {
  auto request = [&](unsigned long number) { filter.allow("ioctl", {masked(1, 0xffffffff, number)}); };
  for (unsigned long number : {FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, TCGETS}) request(number);
  if (!policy.devices.empty())
    for (unsigned long number : terminalRequests) request(number);
  for (int option : {PR_SET_NAME, PR_GET_NAME})
    filter.allow("prctl", {is(0, static_cast<scmp_datum_t>(option))});
}

void allowControlOfPrograms(Filter& filter) {
  for (int command : {F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_GETPIPE_SZ})
    filter.allow("fcntl", {is(1, static_cast<scmp_datum_t>(command))});
  for (unsigned long number : {TIOCGWINSZ, TIOCGPGRP}) filter.allow("ioctl", {masked(1, 0xffffffff, number)});
  for (int option : {PR_SET_PDEATHSIG, PR_GET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_GET_DUMPABLE,
                     PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS, PR_CAPBSET_READ})
    filter.allow("prctl", {is(0, static_cast<scmp_datum_t>(option))});
  // Only of the caller: the limits of another process of the same user could be lowered.
  filter.allow("prlimit64", {is(0, 0)});
  filter.allow("setrlimit");
  filter.allow("sched_getaffinity", {is(0, 0)});
}

void allowOnlyOnOneself(Filter& filter) {
  auto self = static_cast<scmp_datum_t>(::getpid());
  filter.allow("tgkill", {is(0, self)});
  filter.allow("kill", {is(0, self)});
  filter.allow("prlimit64", {is(0, 0)});
  filter.allow("prlimit64", {is(0, self)});
  filter.allow("sched_getaffinity", {is(0, 0)});
  filter.allow("sched_getaffinity", {is(0, self)});
#if defined(SMSD_ADDRESS_SANITIZER) || defined(SMSD_THREAD_SANITIZER)
  filter.allow("sched_getaffinity");  // for pthread_getattr_np(), which the sanitizers call
#endif
}

}  // namespace

void restrictSystemCalls(const Policy& policy) {
  Filter filter(SCMP_ACT_ERRNO(EPERM));
  for (auto call : allowed) filter.allow(call);
  for (auto call : deadly) filter.add(SCMP_ACT_KILL_PROCESS, call);
  allowThreadsButNoProcesses(filter);
  allowMemory(filter);
  allowSockets(filter, policy);
  allowDescriptorCommands(filter);
  allowControl(filter, policy);
  allowOnlyOnOneself(filter);
  // Allow a second filter for refuseThreads(). A further filter can only remove rights.
  for (unsigned long flags :
       {SECCOMP_FILTER_FLAG_TSYNC, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH})
    filter.allow("seccomp", {is(0, SECCOMP_SET_MODE_FILTER), is(1, flags)});
  filter.load();
}

void restrictSystemCallsOfPrograms(const Policy& policy) {
  Filter filter(SCMP_ACT_ERRNO(EPERM));
  for (auto call : allowed) filter.allow(call);
  for (auto call : allowedToPrograms) filter.allow(call);
  allowProcesses(filter);
  allowMemoryOfPrograms(filter);
  allowSockets(filter, policy);
  allowDescriptorCommands(filter);
  allowControl(filter, policy);
  allowControlOfPrograms(filter);
  filter.load();
}

std::vector<std::uint64_t> filterOfSignals() {
  Filter filter(SCMP_ACT_ALLOW);
  for (auto call : {"tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal"})
    filter.add(SCMP_ACT_ERRNO(EPERM), call);
  filter.add(SCMP_ACT_ERRNO(EPERM), "kill", {{0, SCMP_CMP_NE, 0, 0}});
  return filter.instructions();
}

void restrictToCopying() {
  Filter filter(SCMP_ACT_KILL_PROCESS);
  for (auto call : {"read", "write", "exit_group", "restart_syscall"}) filter.allow(call);
  filter.load();
}

void refuseThreads() {
  // EAGAIN means a reached process limit, so a library that still starts a thread reports that error.
  Filter filter(SCMP_ACT_ALLOW);
  filter.add(SCMP_ACT_ERRNO(EAGAIN), "clone");
  filter.load();
}

}  // namespace smsd::sandbox
