// SPDX-License-Identifier: GPL-3.0-or-later
// What a process that locked itself in cannot do to others or to the host: signals by the kernel's hand, code
// from nowhere, memory and threads without end, files by the descriptors it was given.
#include <dlfcn.h>
#include <linux/sockios.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>

#include "common/sandbox/name-services.h"
#include "common/sandbox/output.h"
#include "tests/unit/common/sandbox-child.h"

namespace smsd::sandbox {
namespace {

/// Of what the kernel makes of it when a process may do it.
int pairWith(const std::function<int(int)>& attempt) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return errno;
  return attempt(pair[0]);
}

// Before Linux 6.12 the owner of a descriptor got its signals past Landlock's scope: by these a worker could
// kill its supervisor.
TEST_P(Sandbox, NamesNoProcessThatTheKernelIsToSignal) {
  for (auto command : {F_SETOWN, F_SETOWN_EX, F_SETSIG, F_SETLEASE, F_NOTIFY}) {
    f_owner_ex owner{F_OWNER_PID, ::getppid()};
    long argument = command == F_SETOWN_EX ? reinterpret_cast<long>(&owner)
                    : command == F_SETSIG  ? SIGKILL
                                           : ::getppid();
    EXPECT_EQ(
        resultOf({},
                 [&] { return pairWith([&](int fd) { return triedWith(::fcntl(fd, command, argument)); }); }),
        EPERM)
        << command;
  }
  EXPECT_EQ(resultOf({},
                     [] {
                       return pairWith(
                           [](int fd) { return triedWith(::fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK)); });
                     }),
            EPERM);
  for (unsigned long request : {FIOASYNC, FIOSETOWN, SIOCSPGRP, TIOCSPGRP})
    for (bool withDevice : {false, true}) {
      Policy policy;
      if (withDevice) policy.devices = {"/dev/null"};
      int parent = ::getppid();
      EXPECT_EQ(resultOf(policy,
                         [&] {
                           return pairWith([&](int fd) { return triedWith(::ioctl(fd, request, &parent)); });
                         }),
                EPERM)
          << std::hex << request;
    }
}

TEST_P(Sandbox, HasNoTimerQueueOrDeathThatSignalsByNumber) {
  EXPECT_EQ(resultOf({},
                     [] {
                       sigevent event{};
                       event.sigev_notify = SIGEV_SIGNAL;
                       event.sigev_signo = SIGKILL;
                       timer_t timer{};
                       return triedWith(::timer_create(CLOCK_MONOTONIC, &event, &timer));
                     }),
            EPERM);
  EXPECT_EQ(
      resultOf({}, [] { return triedWith(::syscall(SYS_mq_open, "smsd", O_RDWR | O_CREAT, 0600, nullptr)); }),
      EPERM);
  EXPECT_EQ(resultOf({}, [] { return triedWith(::syscall(SYS_mq_notify, 0, nullptr)); }), EPERM);
  EXPECT_EQ(resultOf({}, [] { return triedWith(::prctl(PR_SET_PDEATHSIG, SIGKILL)); }), EPERM);
  EXPECT_EQ(resultOf({}, [] { return triedWith(::prctl(PR_SET_PTRACER, ::getppid())); }), EPERM);
}

TEST_P(Sandbox, ReachesNoProcessByItsNumber) {
  const std::pair<const char*, long> calls[] = {{"tkill", SYS_tkill},
                                                {"rt_sigqueueinfo", SYS_rt_sigqueueinfo},
                                                {"rt_tgsigqueueinfo", SYS_rt_tgsigqueueinfo},
                                                {"pidfd_open", SYS_pidfd_open},
                                                {"pidfd_send_signal", SYS_pidfd_send_signal},
                                                {"process_madvise", SYS_process_madvise},
                                                {"get_robust_list", SYS_get_robust_list},
                                                {"setpriority", SYS_setpriority},
                                                {"getpriority", SYS_getpriority},
                                                {"ioprio_set", SYS_ioprio_set},
                                                {"sched_setaffinity", SYS_sched_setaffinity},
                                                {"sched_setscheduler", SYS_sched_setscheduler},
                                                {"sched_setparam", SYS_sched_setparam},
                                                {"sched_setattr", SYS_sched_setattr},
                                                {"setpgid", SYS_setpgid},
                                                {"getsid", SYS_getsid},
                                                {"move_pages", SYS_move_pages},
                                                {"migrate_pages", SYS_migrate_pages}};
  for (auto& [name, number] : calls)
    EXPECT_EQ(
        resultOf({}, [number = number] { return triedWith(::syscall(number, ::getppid(), 0, 0, 0, 0, 0)); }),
        EPERM)
        << name;
  rlimit limits{};
  EXPECT_EQ(resultOf({}, [&] { return triedWith(::prlimit(::getppid(), RLIMIT_NOFILE, nullptr, &limits)); }),
            EPERM);
#if !defined(SMSD_ADDRESS_SANITIZER) && !defined(SMSD_THREAD_SANITIZER)
  EXPECT_EQ(resultOf({}, [] { return triedWith(::syscall(SYS_sched_getaffinity, ::getppid(), 0, nullptr)); }),
            EPERM);
#endif
}

TEST_P(Sandbox, NeverExecutesWhatWasNotLoadedBeforeTheLock) {
  auto map = [](int protection, int flags, int fd) {
    return triedWith(::mmap(nullptr, 4096, protection, flags, fd, 0) == MAP_FAILED ? -1 : 0);
  };
  int code = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(code, 0);
  EXPECT_EQ(resultOf({}, [&] { return map(PROT_READ, MAP_PRIVATE, code); }), worked);
  EXPECT_EQ(resultOf({}, [&] { return map(PROT_READ | PROT_EXEC, MAP_PRIVATE, code); }), EPERM);
  ::close(code);
  EXPECT_EQ(resultOf({}, [&] { return map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1); }),
            worked);
  EXPECT_EQ(resultOf({}, [&] { return map(PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1); }), EPERM);
  EXPECT_EQ(resultOf({},
                     [] {
                       void* page =
                           ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                       return triedWith(::mprotect(page, 4096, PROT_READ | PROT_EXEC));
                     }),
            EPERM);
  EXPECT_EQ(resultOf({}, [] { return triedWith(::memfd_create("code", MFD_CLOEXEC)); }), EPERM);
  for (long number : {SYS_pkey_mprotect, SYS_shmat, SYS_remap_file_pages, SYS_memfd_secret, SYS_personality})
    EXPECT_EQ(resultOf({}, [number] { return triedWith(::syscall(number, 0, 0, 0, 0, 0, 0)); }), EPERM)
        << number;
  EXPECT_EQ(resultOf({.readable = {"/usr/lib", "/lib", "/lib64", "/etc/ld.so.cache"}},
                     [] { return ::dlopen("libnss_hesiod.so.2", RTLD_NOW) == nullptr ? worked : EINVAL; }),
            worked);
}

TEST(NameServices, AreTheOnesThatTheLineForHostsNames) {
  using List = std::vector<std::string>;
  EXPECT_EQ(hostServices(
                "passwd: files systemd\nhosts: files mdns4_minimal [NOTFOUND=return] dns\nnetworks: files\n"),
            (List{"files", "mdns4_minimal", "dns"}));
  EXPECT_EQ(hostServices("hosts:files resolve[!UNAVAIL=return] dns # myhostname\n"),
            (List{"files", "resolve", "dns"}));
  EXPECT_EQ(hostServices("# hosts: files\n"), List{});
  EXPECT_EQ(hostServices("hosts: ../evil files [open"), (List{"files"}));
  EXPECT_EQ(hostServices(""), List{});
  EXPECT_EQ(hostServices(" hosts : files\nhosts_other: db\nhostsx: db\nhosts x: db\nhost: db\n: db\n"),
            (List{"files"}));
}

#if !defined(SMSD_ADDRESS_SANITIZER)
/// What RLIMIT_DATA counts of this process now, in bytes.
std::uint64_t dataNow() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmData:")) return std::stoull(line.substr(7)) << 10;
  return 0;
}

TEST_P(Sandbox, TakesNoMoreMemoryThanItsPolicySays) {
  const std::uint64_t most = dataNow() + (64 << 20);
  auto take = [](std::size_t size, int flags) {
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? errno : worked;
  };
  EXPECT_EQ(resultOf({.memory = most}, [&] { return take(32 << 20, MAP_PRIVATE); }), worked);
  EXPECT_EQ(resultOf({.memory = most}, [&] { return take(65 << 20, MAP_PRIVATE); }), ENOMEM);
  EXPECT_EQ(resultOf({.memory = most}, [&] { return take(4096, MAP_SHARED); }), EPERM);
  EXPECT_EQ(resultOf({},
                     [] {
                       void* all = ::mmap(nullptr, 8ULL << 30, PROT_NONE,
                                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
                       return all == MAP_FAILED ? errno : worked;
                     }),
            ENOMEM);
}
#endif

TEST_P(Sandbox, BoundsWhatTheKernelKeepsForIt) {
  EXPECT_EQ(resultOf({},
                     [] {
                       for (auto [resource, most] : {std::pair{RLIMIT_MEMLOCK, rlim_t{0}},
                                                     {RLIMIT_MSGQUEUE, 0},
                                                     {RLIMIT_SIGPENDING, 64},
                                                     {RLIMIT_STACK, 8 << 20},
                                                     {RLIMIT_NOFILE, 64}}) {
                         rlimit now{};
                         ::getrlimit(resource, &now);
                         if (now.rlim_max > most) return int(resource) + 1;
                       }
                       return worked;
                     }),
            worked);
}

TEST_P(Sandbox, StartsNoThreadOnceItIsSealed) {
  auto start = [] {
    try {
      std::thread([] {}).join();
      return worked;
    } catch (const std::system_error& e) {
      return e.code().value();
    }
  };
  EXPECT_EQ(resultOf({},
                     [&] {
                       if (int before = start(); before != worked) return before;
                       bool stop = false;
                       std::thread runs([&] {
                         while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) ::sched_yield();
                       });
                       sealThreads({});
                       int after = start();
                       __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
                       runs.join();
                       return after;
                     }),
            EAGAIN);
  // in a thread that was there before, too
  EXPECT_EQ(resultOf({},
                     [&] {
                       int sealed = 0, after = worked;
                       std::thread before([&] {
                         while (__atomic_load_n(&sealed, __ATOMIC_ACQUIRE) == 0) ::sched_yield();
                         after = start();
                       });
                       sealThreads({});
                       __atomic_store_n(&sealed, 1, __ATOMIC_RELEASE);
                       before.join();
                       return after;
                     }),
            EAGAIN);
  Policy policy{.threads = Threads::anyTime};
  EXPECT_EQ(resultOf(policy,
                     [&] {
                       sealThreads(policy);
                       return start();
                     }),
            worked);
}

// Any other flags make a thread that glibc does not know of, or one with another parent.
TEST_P(Sandbox, StartsThreadsAsGlibcDoesAndNotOtherwise) {
  for (unsigned flags : {unsigned(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM), unsigned(CLONE_VM | SIGCHLD),
                         unsigned(CLONE_PARENT | SIGCHLD), unsigned(CLONE_VFORK | CLONE_VM | SIGCHLD)})
    EXPECT_EQ(resultOf({},
                       [flags] {
                         long child = ::syscall(SYS_clone, flags, nullptr, nullptr, nullptr, nullptr);
                         if (child == 0) ::syscall(SYS_exit, 0);
                         return triedWith(child);
                       }),
              EPERM)
        << flags;
}

class SandboxOutput : public Sandbox {
 protected:
  void SetUp() override {
    Sandbox::SetUp();
#if defined(SMSD_ADDRESS_SANITIZER) || defined(SMSD_THREAD_SANITIZER)
    GTEST_SKIP() << "a sanitizer needs more calls than the copying process may make";
#endif
  }
  static std::string contentOf(const std::filesystem::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// As resultOf, with `file` as stdout and stderr, as a shell opens them.
  int resultWithFile(const std::filesystem::path& file, const std::function<int()>& attempt) {
    pid_t child = ::fork();
    if (child == 0) {
      int fd = ::open(file.c_str(), O_WRONLY | O_APPEND);
      ::dup2(fd, 1);
      ::dup2(fd, 2);
      ::close(fd);
      separateOutput();
      try {
        lockIn({});
      } catch (const std::exception&) {
        ::_exit(lockFailed);
      }
      ::_exit(attempt());
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  void expectContent(const std::filesystem::path& file, const std::string& content) {
    // The copying process writes what is left in the pipe after the locked one has ended.
    const int changes = ::inotify_init1(IN_CLOEXEC);
    ASSERT_GE(::inotify_add_watch(changes, file.c_str(), IN_MODIFY), 0);
    pollfd changed{changes, POLLIN, 0};
    while (contentOf(file) != content && ::poll(&changed, 1, 5000) > 0) {
      char event[4096];
      ASSERT_GT(::read(changes, event, sizeof event), 0);
    }
    ::close(changes);
    EXPECT_EQ(contentOf(file), content);
  }
};

INSTANTIATE_TEST_SUITE_P(As, SandboxOutput, testing::Values("oneself"),
                         [](auto& test) { return std::string(test.param); });

TEST_P(SandboxOutput, IsAppendedToTheFileThatItWas) {
  EXPECT_EQ(resultWithFile(
                folder / "listed",
                [] { return ::write(2, " words", 6) == 6 && ::write(1, " more", 5) == 5 ? worked : errno; }),
            worked);
  expectContent(folder / "listed", "listed words more");
}

TEST_P(SandboxOutput, CannotBeEmptiedOrWrittenOver) {
  EXPECT_EQ(resultWithFile(folder / "listed",
                           [] {
                             for (int fd : {1, 2}) {
                               ::fcntl(fd, F_SETFL, 0);  // without O_APPEND
                               if (::ftruncate(fd, 0) == 0 || ::lseek(fd, 0, SEEK_SET) == 0) return EINVAL;
                               if (::pwrite(fd, "over", 4, 0) >= 0) return EINVAL;
                               if (::syscall(SYS_fallocate, fd, 3 /* punch a hole */, 0, 4) == 0)
                                 return EINVAL;
                             }
                             return ::write(2, " end", 4) == 4 ? worked : errno;
                           }),
            worked);
  expectContent(folder / "listed", "listed end");
}

// Else the supervisor would take a dead worker's connection for one that is still there.
TEST_P(SandboxOutput, KeepsNothingOpenButThePipeAndTheFile) {
  int channel[2], courier[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, channel), 0);
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, courier), 0);
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  char byte = 'x';
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  // The child's end of the pipe outlives the child here, and with it the process that copies.
  EXPECT_EQ(resultWithFile(folder / "listed",
                           [&] {
                             cmsghdr* header = CMSG_FIRSTHDR(&message);
                             header->cmsg_level = SOL_SOCKET;
                             header->cmsg_type = SCM_RIGHTS;
                             header->cmsg_len = CMSG_LEN(sizeof(int));
                             int words = 2;
                             std::memcpy(CMSG_DATA(header), &words, sizeof words);
                             return triedWith(::sendmsg(courier[1], &message, MSG_NOSIGNAL));
                           }),
            worked);
  ASSERT_EQ(::recvmsg(courier[0], &message, MSG_CMSG_CLOEXEC), 1);
  int pipe = -1;
  std::memcpy(&pipe, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof pipe);
  ASSERT_EQ(::write(pipe, " still", 6), 6);
  expectContent(folder / "listed", "listed still");
  ::close(channel[1]);
  EXPECT_EQ(::recv(channel[0], &byte, 1, MSG_DONTWAIT), 0) << "somebody has a copy of the other end";
  for (int fd : {pipe, channel[0], courier[0], courier[1]}) ::close(fd);
}

}  // namespace
}  // namespace smsd::sandbox
