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

// Allowed whatever their arguments are: Landlock and what is already open decide what they reach.
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
    // sockets that are open
    "connect", "accept", "accept4", "recvfrom", "recvmsg", "recvmmsg", "shutdown", "getsockname",
    "getpeername", "getsockopt", "setsockopt",
    // signals of one's own
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait", "sigaltstack",
    "restart_syscall",
    // memory and threads
    "munmap", "mremap", "brk", "madvise", "membarrier", "futex", "futex_waitv", "set_robust_list", "rseq",
    "set_tid_address", "gettid", "sched_yield", "getcpu", "exit", "exit_group",
    // time, and who one is
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "times",
    "getpid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups",
    "uname", "sysinfo", "getrlimit", "getrusage", "getrandom"};

// No library here ever asks for these: who does is no longer our program.
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

// What a serial line needs; not TIOCSTI and the like, which type into somebody's terminal.
constexpr unsigned long terminalRequests[] = {TCSETS,   TCSETSW,  TCSETSF,  TCFLSH,   TCXONC,
                                              TCSBRK,   TCSBRKP,  TIOCEXCL, TIOCNXCL, TIOCMGET,
                                              TIOCMSET, TIOCMBIS, TIOCMBIC, TIOCOUTQ, TIOCGEXCL};

using Conditions = std::vector<scmp_arg_cmp>;

scmp_arg_cmp is(unsigned argument, scmp_datum_t value) { return {argument, SCMP_CMP_EQ, value, 0}; }
scmp_arg_cmp masked(unsigned argument, scmp_datum_t mask, scmp_datum_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

class Filter {
 public:
  explicit Filter(std::uint32_t otherwise) : context_(seccomp_init(otherwise), seccomp_release) {
    if (!context_) throw LockFailed("seccomp: no filter");
  }

  void add(std::uint32_t action, const char* call, const Conditions& conditions = {}) {
    int number = seccomp_syscall_resolve_name(call);
    // A call that this architecture or this libseccomp does not know stays with the default: refused.
    if (number == __NR_SCMP_ERROR) return;
    check(seccomp_rule_add_array(context_.get(), action, number, static_cast<unsigned>(conditions.size()),
                                 conditions.data()),
          call);
  }
  void allow(const char* call, const Conditions& conditions = {}) { add(SCMP_ACT_ALLOW, call, conditions); }

  void load() {
    check(seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_NNP, 0), "no_new_privs");  // set by the caller
    check(seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_TSYNC, 1), "thread synchronisation");
    check(seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), "architecture");
    // A tree instead of a list: a worker makes some hundred thousand calls a second at its busiest.
    check(seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "optimisation");
    check(seccomp_load(context_.get()), "not put in force");
  }

 private:
  static void check(int result, const char* what) {
    if (result != 0) throw LockFailed(std::string("seccomp: ") + what + ": " + std::strerror(-result));
  }

  std::unique_ptr<void, decltype(&seccomp_release)> context_;
};

/// The flags that pthread_create() of glibc 2.36 and of 2.41 gives clone(), and no other.
constexpr unsigned threadFlags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                                 CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;

void allowThreadsButNoProcesses(Filter& filter) {
  filter.allow("clone", {is(0, threadFlags)});
  // Its flags lie behind a pointer, which a filter cannot follow. glibc falls back to clone.
  filter.add(SCMP_ACT_ERRNO(ENOSYS), "clone3");
}

// Nothing that is mapped from now on is ever executed: all code is loaded before the lock (lockIn). Memory is
// private, because RLIMIT_DATA does not count what is shared.
void allowMemory(Filter& filter) {
  filter.allow("mmap", {masked(2, PROT_EXEC, 0), masked(3, MAP_TYPE, MAP_PRIVATE)});
  filter.allow("mprotect", {masked(2, PROT_EXEC, 0)});
}

// The protocol is named too: Landlock's TCP rules do not see MPTCP or SCTP.
void allowSockets(Filter& filter, Network network) {
  constexpr int kinds = 0xf;  // the type without SOCK_CLOEXEC and SOCK_NONBLOCK
  // Landlock does not see a connection to a path, and the supervisor's control.sock and a database that goes
  // by the peer's user are such paths. nscd's clients and nss-resolve take this errno for a service that is
  // not there, and the next one of nsswitch.conf is asked.
  filter.add(SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket", {is(0, AF_UNIX)});
  // A stream pair is connected for good. One of datagrams may be connected anew, and its messages, with
  // descriptors in them, may name another program's socket each.
  filter.allow("socketpair", {is(0, AF_UNIX), masked(1, kinds, SOCK_STREAM)});
  // MSG_FASTOPEN connects without connect(), past older kernels' Landlock.
  filter.allow("sendto", {masked(3, MSG_FASTOPEN, 0)});
  filter.allow("sendmsg", {masked(2, MSG_FASTOPEN, 0)});
  filter.allow("sendmmsg", {masked(3, MSG_FASTOPEN, 0)});
  if (network == Network::none) return;
  for (int family : {AF_INET, AF_INET6}) {
    for (int protocol : {0, static_cast<int>(IPPROTO_TCP)})
      filter.allow("socket", {is(0, family), masked(1, kinds, SOCK_STREAM), is(2, protocol)});
    for (int protocol : {0, static_cast<int>(IPPROTO_UDP)})
      filter.allow("socket", {is(0, family), masked(1, kinds, SOCK_DGRAM), is(2, protocol)});
  }
  // getaddrinfo asks the kernel for the host's addresses: NETLINK_ROUTE is 0, and it binds that socket.
  filter.allow("socket", {is(0, AF_NETLINK), masked(1, kinds, SOCK_RAW), is(2, 0)});
  filter.allow("bind");
}

/// By command: F_SETOWN, F_SETOWN_EX and F_SETSIG make the kernel send a signal to a process by its number,
/// past Landlock's scope on kernels before 6.12; F_NOTIFY and leases send signals, too.
void allowDescriptorCommands(Filter& filter) {
  for (int command : {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL})
    filter.allow("fcntl", {is(1, static_cast<scmp_datum_t>(command))});
  filter.allow("fcntl", {is(1, F_SETFL), masked(2, O_ASYNC, 0)});
}

/// ioctl by request: no FIOASYNC, FIOSETOWN, SIOCSPGRP. prctl by option: no PR_SET_PDEATHSIG, no
/// PR_SET_PTRACER.
void allowControl(Filter& filter, const Policy& policy) {
  auto request = [&](unsigned long number) { filter.allow("ioctl", {masked(1, 0xffffffff, number)}); };
  for (unsigned long number : {FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, TCGETS}) request(number);
  if (!policy.devices.empty())
    for (unsigned long number : terminalRequests) request(number);
  for (int option : {PR_SET_NAME, PR_GET_NAME})
    filter.allow("prctl", {is(0, static_cast<scmp_datum_t>(option))});
}

void allowOnlyOnOneself(Filter& filter) {
  auto self = static_cast<scmp_datum_t>(::getpid());
  filter.allow("tgkill", {is(0, self)});
  filter.allow("kill", {is(0, self)});
  filter.allow("prlimit64", {is(0, 0)});
  filter.allow("prlimit64", {is(0, self)});
  filter.allow("sched_getaffinity", {is(0, 0)});
  filter.allow("sched_getaffinity", {is(0, self)});
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  filter.allow("sched_getaffinity");  // pthread_getattr_np() of each thread, which the sanitizers call
#endif
}

}  // namespace

void restrictSystemCalls(const Policy& policy) {
  Filter filter(SCMP_ACT_ERRNO(EPERM));
  for (auto call : allowed) filter.allow(call);
  for (auto call : deadly) filter.add(SCMP_ACT_KILL_PROCESS, call);
  allowThreadsButNoProcesses(filter);
  allowMemory(filter);
  allowSockets(filter, policy.network);
  allowDescriptorCommands(filter);
  allowControl(filter, policy);
  allowOnlyOnOneself(filter);
  // For refuseThreads(): another filter can only take more away.
  for (unsigned long flags :
       {SECCOMP_FILTER_FLAG_TSYNC, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH})
    filter.allow("seccomp", {is(0, SECCOMP_SET_MODE_FILTER), is(1, flags)});
  filter.load();
}

void restrictToCopying() {
  Filter filter(SCMP_ACT_KILL_PROCESS);
  for (auto call : {"read", "write", "exit_group", "restart_syscall"}) filter.allow(call);
  filter.load();
}

void refuseThreads() {
  // As if the limit of processes was reached: a library that starts one all the same reports that.
  Filter filter(SCMP_ACT_ALLOW);
  filter.add(SCMP_ACT_ERRNO(EAGAIN), "clone");
  filter.load();
}

}  // namespace smsd::sandbox
