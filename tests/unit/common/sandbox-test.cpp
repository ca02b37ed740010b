// SPDX-License-Identifier: GPL-3.0-or-later
// What a process that locked itself in can still do, and what it cannot: each test forks a child that locks
// itself in and tries. As the user the tests run as and, where that is root, as nobody too; and with the
// Landlock of older kernels.
#include <kj/async-io.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "tests/unit/common/sandbox-child.h"

namespace smsd::sandbox {
namespace {

INSTANTIATE_TEST_SUITE_P(As, Sandbox, testing::Values("oneself", "nobody", "abi1", "abi2", "abi5"),
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
