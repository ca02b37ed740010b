// SPDX-License-Identifier: GPL-3.0-or-later
// What a process that locked itself in can still do, and what it cannot: each test forks a child that locks
// itself in and tries. As the user the tests run as and, where that is root, as nobody too.
#include <kj/async-io.h>
#include <netdb.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "tests/unit/common/sandbox-child.h"

namespace smsd::sandbox {
namespace {

INSTANTIATE_TEST_SUITE_P(As, Sandbox, testing::Values("oneself", "nobody"),
                         [](auto& test) { return std::string(test.param); });

TEST_P(Sandbox, SaysWhatIsInForce) {
  std::string landlock = "landlock:" + std::to_string(std::min(landlockAbi(), 7));
  pid_t child = ::fork();
  if (child == 0) {
    std::vector<std::string> expected = {"no_new_privs", landlock, "seccomp", "rlimits"};
    ::_exit(lockIn({}) == expected ? worked : EINVAL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_P(Sandbox, ReadsTheFilesAndFoldersThatAreNamedAndNoOther) {
  Policy policy{.readable = {folder / "listed", folder / "sub"}};
  EXPECT_EQ(resultOf(policy, [&] { return open_(folder / "listed", O_RDONLY); }), worked);
  EXPECT_EQ(resultOf(policy, [&] { return open_(folder / "sub" / "inner", O_RDONLY); }), worked);
  EXPECT_EQ(resultOf(policy, [&] { return open_(folder / "sub", O_RDONLY | O_DIRECTORY); }), worked);
  EXPECT_EQ(resultOf(policy, [&] { return open_(folder / "other", O_RDONLY); }), EACCES);
  EXPECT_EQ(resultOf(policy, [&] { return open_(folder, O_RDONLY | O_DIRECTORY); }), EACCES);
  EXPECT_EQ(resultOf(policy, [] { return open_("/etc/passwd", O_RDONLY); }), EACCES);
  EXPECT_EQ(resultOf(policy, [] { return open_("/proc/self/mem", O_RDWR); }), EACCES);
}

TEST_P(Sandbox, WritesNothingThatIsOnlyReadable) {
  Policy policy{.readable = {folder / "listed", folder / "sub"}};
  EXPECT_EQ(resultOf(policy, [&] { return open_(folder / "listed", O_WRONLY); }), EACCES);
  EXPECT_EQ(resultOf(policy, [&] { return open_(folder / "sub" / "new", O_WRONLY | O_CREAT); }), EACCES);
  EXPECT_NE(resultOf(policy, [&] { return triedWith(::unlink((folder / "sub" / "inner").c_str())); }),
            worked);
}

TEST_P(Sandbox, AppendsToAWritableFileButCannotEmptyOrReplaceIt) {
  Policy policy{.writable = {folder / "listed"}};
  EXPECT_EQ(resultOf(policy, [&] { return open_(folder / "listed", O_WRONLY | O_APPEND | O_CREAT); }),
            worked);
  if (landlockAbi() >= 3) {
    EXPECT_EQ(resultOf(policy, [&] { return open_(folder / "listed", O_WRONLY | O_TRUNC); }), EACCES);
  }
  EXPECT_EQ(resultOf(policy, [&] { return open_(folder / "other", O_WRONLY | O_APPEND); }), EACCES);
  EXPECT_NE(
      resultOf(policy,
               [&] { return triedWith(::rename((folder / "other").c_str(), (folder / "listed").c_str())); }),
      worked);
}

TEST_P(Sandbox, RefusesAFolderWhereAFileIsMeant) {
  EXPECT_EQ(resultOf({.writable = {folder}}, [] { return worked; }), lockFailed);
}

TEST_P(Sandbox, LeavesOutWhatIsMissing) {
  Policy policy{.readable = {folder / "missing", folder / "listed" / "below a file", folder / "other"},
                .writable = {folder / "missing"},
                .devices = {"/dev/no-such-modem"}};
  EXPECT_EQ(resultOf(policy, [&] { return open_(folder / "other", O_RDONLY); }), worked);
}

TEST_P(Sandbox, OpensTheDeviceThatIsNamedAndNoOther) {
  Policy policy{.devices = {"/dev/null"}};
  EXPECT_EQ(resultOf(policy, [] { return open_("/dev/null", O_RDWR); }), worked);
  EXPECT_EQ(resultOf(policy, [] { return open_("/dev/zero", O_RDWR); }), EACCES);
}

TEST_P(Sandbox, SetsUpTheSerialLineThatIsNamedAndTypesIntoNone) {
  int master = ::posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_TRUE(master >= 0 && ::grantpt(master) == 0 && ::unlockpt(master) == 0);
  const std::string line = ::ptsname(master);
  ASSERT_EQ(::chmod(line.c_str(), 0666), 0);
  int other = ::posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_TRUE(other >= 0 && ::grantpt(other) == 0 && ::unlockpt(other) == 0);
  const std::string otherLine = ::ptsname(other);
  ASSERT_EQ(::chmod(otherLine.c_str(), 0666), 0);
  // by a link, as those in /dev/serial/by-id
  std::filesystem::create_symlink(line, folder / "by-id");
  auto onLine = [&](const std::function<int(int)>& attempt) {
    return resultOf({.devices = {folder / "by-id"}}, [&] {
      int fd = ::open((folder / "by-id").c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK);
      return fd < 0 ? errno : attempt(fd);
    });
  };
  EXPECT_EQ(onLine([](int fd) {
              termios settings{};
              if (::tcgetattr(fd, &settings) != 0) return errno;
              ::cfmakeraw(&settings);
              return triedWith(::tcsetattr(fd, TCSANOW, &settings));
            }),
            worked);
  EXPECT_EQ(onLine([](int fd) {
              int exclusive = 0;
              if (::ioctl(fd, TIOCEXCL) != 0 || ::ioctl(fd, TIOCGEXCL, &exclusive) != 0) return errno;
              return exclusive != 0 ? triedWith(::ioctl(fd, TIOCNXCL)) : EINVAL;
            }),
            worked);
  EXPECT_EQ(onLine([](int fd) { return triedWith(::ioctl(fd, TIOCSTI, "x")); }), EPERM);
  EXPECT_EQ(onLine([](int fd) { return triedWith(::ioctl(fd, TIOCSCTTY, 0)); }), EPERM);
  EXPECT_EQ(onLine([&](int) { return open_(otherLine, O_RDWR | O_NOCTTY); }), EACCES);
  EXPECT_EQ(onLine([](int) { return open_("/dev/ptmx", O_RDWR | O_NOCTTY); }), EACCES);
  ::close(master);
  ::close(other);
}

TEST_P(Sandbox, WithoutANetworkMakesNoSocket) {
  Listener listener;
  EXPECT_EQ(resultOf({}, [] { return socket_(AF_INET, SOCK_STREAM, 0); }), EPERM);
  EXPECT_EQ(resultOf({}, [] { return socket_(AF_INET6, SOCK_DGRAM, 0); }), EPERM);
  EXPECT_EQ(resultOf({}, [] { return socket_(AF_NETLINK, SOCK_RAW, 0); }), EPERM);
  if (landlockAbi() < 4) return;
  // not even over a socket that was open before
  int inherited = ::socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_EQ(resultOf({},
                     [&] {
                       sockaddr_in address{};
                       address.sin_family = AF_INET;
                       address.sin_port = htons(listener.port);
                       address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
                       return triedWith(
                           ::connect(inherited, reinterpret_cast<sockaddr*>(&address), sizeof address));
                     }),
            EACCES);
  ::close(inherited);
}

// The supervisor's control.sock, a database that trusts the peer's user, another worker's socket.
TEST_P(Sandbox, ReachesNoUnixSocketThatItHadNotOpened) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (folder / "control.sock").string().copy(address.sun_path, sizeof address.sun_path - 1);
  auto connectOver = [&](int fd) {
    return triedWith(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address));
  };
  for (int type : {SOCK_STREAM, SOCK_SEQPACKET}) {
    int server = ::socket(AF_UNIX, type, 0);
    ASSERT_EQ(::bind(server, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::chmod(address.sun_path, 0777), 0);
    ASSERT_EQ(::listen(server, 8), 0);
    int outside = ::socket(AF_UNIX, type, 0);
    ASSERT_EQ(connectOver(outside), worked);
    for (Network network : {Network::none, Network::outbound}) {
      Policy policy{.readable = {folder}, .network = network};
      for (int wanted : {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM})
        EXPECT_EQ(resultOf(policy, [&] { return socket_(AF_UNIX, wanted, 0); }), EAFNOSUPPORT);
      // A stream pair is what KJ and libcurl wake their loops with; its ends lead nowhere else, not even one
      // that is left alone. Of other kinds there is none.
      for (int wanted : {SOCK_SEQPACKET, SOCK_DGRAM})
        EXPECT_EQ(resultOf(policy,
                           [&] {
                             int pair[2];
                             return triedWith(::socketpair(AF_UNIX, wanted | SOCK_CLOEXEC, 0, pair));
                           }),
                  EPERM);
      EXPECT_EQ(resultOf(policy,
                         [&] {
                           int pair[2];
                           if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return errno;
                           ::close(pair[1]);
                           return connectOver(pair[0]);
                         }),
                type == SOCK_STREAM ? EISCONN : EPROTOTYPE);
    }
    ::close(outside);
    ::close(server);
    ::unlink(address.sun_path);
  }
}

// What socket activation hands over.
TEST_P(Sandbox, AcceptsAtTheUnixSocketItWasHanded) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (folder / "worker.sock").string().copy(address.sun_path, sizeof address.sun_path - 1);
  int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 8), 0);
  int visitor = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::connect(visitor, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(resultOf({},
                     [&] {
                       ucred peer{};
                       socklen_t size = sizeof peer;
                       int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
                       return fd < 0 ? errno
                                     : triedWith(::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size));
                     }),
            worked);
  ::close(visitor);
  ::close(listener);
}

TEST_P(Sandbox, WithANetworkConnectsAnywhereUnlessPortsAreNamed) {
  Listener first;
  Listener second;
  EXPECT_EQ(resultOf({.network = Network::outbound}, [&] { return connectTo(first.port); }), worked);
  if (landlockAbi() < 4) GTEST_SKIP() << "this kernel's Landlock knows no ports";
  Policy policy{.network = Network::outbound, .connectPorts = {first.port}};
  EXPECT_EQ(resultOf(policy, [&] { return connectTo(first.port); }), worked);
  EXPECT_EQ(resultOf(policy, [&] { return connectTo(second.port); }), EACCES);
}

TEST_P(Sandbox, NeverBecomesAServer) {
  Policy policy{.network = Network::outbound};
  if (landlockAbi() >= 4) {
    EXPECT_EQ(resultOf(policy,
                       [] {
                         sockaddr_in address{};
                         address.sin_family = AF_INET;
                         int fd = ::socket(AF_INET, SOCK_STREAM, 0);
                         return triedWith(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address));
                       }),
              EACCES);
  }
  EXPECT_EQ(resultOf(policy, [] { return triedWith(::listen(::socket(AF_INET, SOCK_STREAM, 0), 1)); }),
            EPERM);
}

TEST_P(Sandbox, WithANetworkStillHasNoProtocolButTcpAndUdp) {
  Policy policy{.network = Network::outbound};
  EXPECT_EQ(resultOf(policy, [] { return socket_(AF_INET, SOCK_DGRAM, IPPROTO_UDP); }), worked);
  EXPECT_EQ(resultOf(policy, [] { return socket_(AF_NETLINK, SOCK_RAW, 0 /* route */); }), worked);
  EXPECT_EQ(resultOf(policy, [] { return socket_(AF_NETLINK, SOCK_RAW, 9 /* audit */); }), EPERM);
  EXPECT_EQ(resultOf(policy, [] { return socket_(AF_INET, SOCK_RAW, IPPROTO_ICMP); }), EPERM);
  EXPECT_EQ(resultOf(policy, [] { return socket_(AF_INET, SOCK_DGRAM, IPPROTO_ICMP); }), EPERM);
  EXPECT_EQ(resultOf(policy, [] { return socket_(AF_INET, SOCK_STREAM, 262 /* MPTCP */); }), EPERM);
  EXPECT_EQ(resultOf(policy, [] { return socket_(AF_PACKET, SOCK_RAW, 0); }), EPERM);
  EXPECT_EQ(resultOf(policy, [] { return socket_(AF_VSOCK, SOCK_STREAM, 0); }), EPERM);
}

TEST_P(Sandbox, DoesNotConnectByTheFirstDataSentPastTheNamedPorts) {
  Listener listener;
  Policy policy{.network = Network::outbound, .connectPorts = {1}};
  EXPECT_EQ(resultOf(policy,
                     [&] {
                       sockaddr_in address{};
                       address.sin_family = AF_INET;
                       address.sin_port = htons(listener.port);
                       address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
                       return triedWith(::sendto(::socket(AF_INET, SOCK_STREAM, 0), "x", 1, MSG_FASTOPEN,
                                                 reinterpret_cast<sockaddr*>(&address), sizeof address));
                     }),
            EPERM);
}

TEST_P(Sandbox, StartsThreadsButNoProcesses) {
  EXPECT_EQ(resultOf({},
                     [] {
                       int seen = 0;
                       std::thread([&] { seen = 1; }).join();
                       return seen == 1 ? worked : EINVAL;
                     }),
            worked);
  EXPECT_EQ(resultOf({},
                     [] {
                       long child = ::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
                       if (child == 0) ::_exit(0);
                       return triedWith(child);
                     }),
            EPERM);
}

TEST_P(Sandbox, HoldsForThreadsStartedLater) {
  EXPECT_EQ(resultOf({},
                     [&] {
                       int result = worked;
                       std::thread([&] { result = open_(folder / "other", O_RDONLY); }).join();
                       return result;
                     }),
            EACCES);
}

TEST_P(Sandbox, RefusesToLockWhenThreadsRunAlready) {
  pid_t child = ::fork();
  if (child == 0) {
    std::thread([] { ::pause(); }).detach();
    try {
      lockIn({});
      ::_exit(worked);
    } catch (const LockFailed&) {
      ::_exit(lockFailed);
    }
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), lockFailed);
}

TEST_P(Sandbox, DiesWhereItAsksForWhatNoWorkerEverNeeds) {
  const std::pair<const char*, long> calls[] = {{"execve", SYS_execve},
                                                {"execveat", SYS_execveat},
                                                {"ptrace", SYS_ptrace},
                                                {"mount", SYS_mount},
                                                {"umount2", SYS_umount2},
                                                {"bpf", SYS_bpf},
                                                {"keyctl", SYS_keyctl},
                                                {"add_key", SYS_add_key},
                                                {"userfaultfd", SYS_userfaultfd},
                                                {"kexec_load", SYS_kexec_load},
                                                {"init_module", SYS_init_module},
                                                {"unshare", SYS_unshare},
                                                {"setns", SYS_setns},
                                                {"chroot", SYS_chroot},
                                                {"process_vm_readv", SYS_process_vm_readv},
                                                {"pidfd_getfd", SYS_pidfd_getfd}};
  for (auto& [name, number] : calls) {
    int status = statusOf({}, [number = number] { return triedWith(::syscall(number, 0, 0, 0, 0, 0, 0)); });
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) << name << " ended with status " << status;
  }
}

TEST_P(Sandbox, IsRefusedWhatIsOnNoList) {
  for (long number : {SYS_setuid, SYS_personality, SYS_io_uring_setup, SYS_chmod, SYS_mkdir, SYS_shmget})
    EXPECT_EQ(resultOf({}, [number] { return triedWith(::syscall(number, 0, 0, 0, 0, 0, 0)); }), EPERM)
        << number;
}

TEST_P(Sandbox, SignalsOnlyItself) {
  EXPECT_EQ(resultOf({}, [] { return triedWith(::kill(::getppid(), 0)); }), EPERM);
  EXPECT_EQ(resultOf({}, [] { return triedWith(::kill(1, 0)); }), EPERM);
  EXPECT_EQ(resultOf({}, [] { return triedWith(::kill(-1, 0)); }), EPERM);
  int status = statusOf({}, [] { return ::raise(SIGTERM); });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

TEST_P(Sandbox, DoesNotTalkToAbstractSocketsOfOthers) {
  if (landlockAbi() < 6) GTEST_SKIP() << "this kernel's Landlock has no scopes";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string name = "smsd-sandbox-test-" + std::to_string(::getpid());
  name.copy(address.sun_path + 1, name.size());
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  int server = ::socket(AF_UNIX, SOCK_DGRAM, 0);
  ASSERT_EQ(::bind(server, reinterpret_cast<sockaddr*>(&address), size), 0);
  int open = ::socket(AF_UNIX, SOCK_DGRAM, 0);
  EXPECT_EQ(
      resultOf({}, [&] { return triedWith(::connect(open, reinterpret_cast<sockaddr*>(&address), size)); }),
      EPERM);
  ::close(open);
  ::close(server);
}

TEST_P(Sandbox, LeavesNoCoreAndNoDoorForADebugger) {
  EXPECT_EQ(resultOf({.openFiles = 64},
                     [] {
                       rlimit core{}, files{};
                       ::getrlimit(RLIMIT_CORE, &core);
                       ::getrlimit(RLIMIT_NOFILE, &files);
                       return core.rlim_max == 0 && files.rlim_cur == 64 && files.rlim_max == 64 ? worked
                                                                                                 : EINVAL;
                     }),
            worked);
  EXPECT_EQ(resultOf({}, [] { return triedWith(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)); }), EPERM);
  // /proc says whose a process is: root's, once it cannot be dumped
  pid_t child = start({}, [] { return ::raise(SIGSTOP); });
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
  ASSERT_TRUE(WIFSTOPPED(status));
  struct stat memory {};
  EXPECT_EQ(::stat(("/proc/" + std::to_string(child) + "/mem").c_str(), &memory), 0);
  EXPECT_EQ(memory.st_uid, 0U);
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
}

TEST_P(Sandbox, BoundsFilesUnlessOneIsWritable) {
  auto bound = [] {
    rlimit size{};
    ::getrlimit(RLIMIT_FSIZE, &size);
    return size.rlim_max == RLIM_INFINITY ? EFBIG : worked;
  };
  EXPECT_EQ(resultOf({}, bound), worked);
  EXPECT_EQ(resultOf({.writable = {folder / "listed"}}, bound), EFBIG);
}

TEST_P(Sandbox, ResolvesNamesOnAThread) {
  Policy policy{.readable = resolverAndCertificates(), .network = Network::outbound};
  EXPECT_EQ(resultOf(policy,
                     [] {
                       int result = EAI_FAIL;
                       std::thread([&] {
                         addrinfo* found = nullptr;
                         result = ::getaddrinfo("localhost", "80", nullptr, &found);
                         if (found != nullptr) ::freeaddrinfo(found);
                       }).join();
                       return result == 0 ? worked : EINVAL;
                     }),
            worked);
}

TEST_P(Sandbox, SpeaksToTheJournal) {
  // what sd_journal_sendv does with the socket it has: a datagram to a path
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (folder / "journal").string().copy(address.sun_path, sizeof address.sun_path - 1);
  int server = ::socket(AF_UNIX, SOCK_DGRAM, 0);
  ASSERT_EQ(::bind(server, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::chmod(address.sun_path, 0777), 0);
  int open = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(resultOf({},
                     [&] {
                       char entry[] = "MESSAGE=x\n";
                       iovec part{entry, sizeof entry - 1};
                       msghdr message{};
                       message.msg_name = &address;
                       message.msg_namelen = sizeof address;
                       message.msg_iov = &part;
                       message.msg_iovlen = 1;
                       return triedWith(::sendmsg(open, &message, MSG_NOSIGNAL));
                     }),
            worked);
  ::close(open);
  ::close(server);
}

TEST_P(Sandbox, LetsTheKjLoopRun) {
  EXPECT_EQ(resultOf({},
                     [] {
                       auto io = kj::setupAsyncIo();
                       auto pipe = io.provider->newTwoWayPipe();
                       kj::byte sent[3] = {1, 2, 3}, received[3] = {};
                       auto read = pipe.ends[1]->read(received, sizeof received);
                       pipe.ends[0]->write(sent, sizeof sent).wait(io.waitScope);
                       read.wait(io.waitScope);
                       io.provider->getTimer().afterDelay(1 * kj::MILLISECONDS).wait(io.waitScope);
                       return received[2] == 3 ? worked : EINVAL;
                     }),
            worked);
}

}  // namespace
}  // namespace smsd::sandbox
