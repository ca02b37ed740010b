// SPDX-License-Identifier: GPL-3.0-or-later
// The lock of programs that a worker starts, by each Landlock: what a child behind it can still do.
#include <glob.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <csignal>
#include <map>
#include <vector>

#include "common/sandbox/programs.h"
#include "tests/unit/common/sandbox-child.h"

namespace smsd::sandbox {
namespace {

/// The files that the kernel executes for programs with shared libraries.
std::vector<std::filesystem::path> loaders() {
  glob_t found{};
  ::glob("/lib*/ld-linux*.so.*", 0, nullptr, &found);
  std::vector<std::filesystem::path> paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  return paths;
}

class SandboxOfPrograms : public Sandbox {
 protected:
  /// A child that locks itself in as the starter, and a child of that which is the program.
  int resultOf(const Policy& policy, const std::function<int()>& attempt) {
    const pid_t starter = ::fork();
    if (starter == 0) ::_exit(inStarter(policy, attempt));
    return waitedFor(starter);
  }

  static int waitedFor(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : lockFailed + 1;
  }

  Policy named() const {
    Policy policy{.readable = {folder / "listed"}, .executable = loaders(), .memory = 4ULL << 30};
    policy.executable.push_back("/bin/true");
    return policy;
  }

 private:
  int inStarter(const Policy& policy, const std::function<int()>& attempt) {
    try {
      const ProgramLock lock(policy, folder / "sub");
      lock.lockStarter();
      const pid_t program = ::fork();
      if (program != 0) return waitedFor(program);
      if (lock.lockProgram() != 0) ::_exit(lockFailed);
      if (lock.refuseSignals() != 0) ::_exit(lockFailed);
      ::_exit(attempt());
    } catch (const std::exception& e) {
      std::cerr << e.what() << std::endl;
      return lockFailed;
    }
  }
};

int execute(const char* path) {
  const pid_t child = ::vfork();
  if (child == 0) {
    ::execl(path, path, nullptr);
    ::_exit(errno);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : lockFailed;
}

int map(const std::filesystem::path& path, int protection, int kind) {
  const int fd = path.empty() ? -1 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  void* memory = ::mmap(nullptr, 4096, protection, path.empty() ? kind | MAP_ANONYMOUS : kind, fd, 0);
  return memory == MAP_FAILED ? errno : worked;
}

/// A process that this one has started.
int signalAChild() {
  const pid_t child = ::fork();
  if (child == 0)
    for (;;) ::pause();
  const int result = triedWith(::kill(child, SIGKILL));
  if (result != worked) ::kill(0, SIGKILL);
  ::waitpid(child, nullptr, 0);
  return result;
}

TEST_P(SandboxOfPrograms, OpensAndExecutesWhatIsNamedAndNothingElse) {
  EXPECT_EQ(resultOf(named(), [&] { return open_(folder / "listed", O_RDONLY); }), worked);
  EXPECT_EQ(resultOf(named(), [&] { return open_(folder / "other", O_RDONLY); }), EACCES);
  EXPECT_EQ(resultOf(named(), [&] { return open_(folder / "listed", O_WRONLY); }), EACCES);
  EXPECT_EQ(resultOf(named(), [] { return open_("/proc/self/environ", O_RDONLY); }), EACCES);
  EXPECT_EQ(resultOf(named(), [] { return execute("/bin/false"); }), EACCES);
  EXPECT_EQ(resultOf({.executable = {folder / "listed"}}, [&] { return open_(folder / "listed", O_RDONLY); }),
            worked);
  EXPECT_EQ(resultOf({.executable = {folder / "sub"}}, [] { return worked; }), lockFailed);
}

TEST_P(SandboxOfPrograms, ExecutesAProgramThatIsNamed) {
  Policy policy = named();
  policy.readable = {"/etc/ld.so.cache", "/usr/lib", "/lib"};
  EXPECT_EQ(resultOf(policy, [] { return execute("/bin/true"); }), worked);
  policy.executable = loaders();
  EXPECT_EQ(resultOf(policy, [] { return execute("/bin/true"); }), EACCES);
  policy.executable = {"/bin/true"};
  EXPECT_EQ(resultOf(policy, [] { return execute("/bin/true"); }), EACCES) << "without its loader";
}

TEST_P(SandboxOfPrograms, MapsCodeOfFilesAndNoneOfItsOwn) {
  const auto file = folder / "listed";
  EXPECT_EQ(resultOf(named(), [&] { return map(file, PROT_READ | PROT_EXEC, MAP_PRIVATE); }), worked);
  EXPECT_EQ(resultOf(named(), [&] { return map(file, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE); }),
            EPERM);
  EXPECT_EQ(resultOf(named(), [] { return map("", PROT_READ | PROT_EXEC, MAP_PRIVATE); }), EPERM);
  EXPECT_EQ(resultOf(named(), [] { return map("", PROT_READ | PROT_WRITE, MAP_PRIVATE); }), worked);
  EXPECT_EQ(resultOf(named(), [] { return map("", PROT_READ | PROT_WRITE, MAP_SHARED); }), EPERM);
  EXPECT_EQ(resultOf(named(),
                     [] {
                       void* memory =
                           ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                       return triedWith(::mprotect(memory, 4096, PROT_READ | PROT_EXEC));
                     }),
            EPERM);
}

TEST_P(SandboxOfPrograms, SignalsOnlyWhatItHasStarted) {
  EXPECT_EQ(resultOf({}, [] { return triedWith(::kill(::getppid(), 0)); }), EPERM);
  EXPECT_EQ(resultOf({}, [] { return triedWith(::syscall(SYS_tgkill, ::getppid(), ::getppid(), 0)); }),
            EPERM);
  EXPECT_EQ(resultOf({}, [] { return ::setsid(), triedWith(::kill(0, 0)); }), worked);
  const int ofAChild = resultOf({}, [] { return ::setsid(), signalAChild(); });
  // Before ABI 6 its own process group dies with it, because it can signal nothing else.
  EXPECT_EQ(ofAChild, landlockAbi() >= 6 ? worked : lockFailed + 1);
}

TEST_P(SandboxOfPrograms, ReachesNeitherUnixSocketsNorOtherProcesses) {
  for (const Policy& policy : {Policy{}, Policy{.network = Network::outbound}}) {
    EXPECT_EQ(resultOf(policy, [] { return socket_(AF_UNIX, SOCK_STREAM, 0); }), EAFNOSUPPORT);
    EXPECT_EQ(
        resultOf(policy, [] { return triedWith(::prlimit(::getppid(), RLIMIT_NOFILE, nullptr, nullptr)); }),
        EPERM);
    EXPECT_EQ(resultOf(policy, [] { return triedWith(::syscall(SYS_memfd_create, "x", 0)); }), EPERM);
    EXPECT_EQ(resultOf(policy, [] { return triedWith(::syscall(SYS_unshare, 0x04000000)); }), EPERM);
    EXPECT_EQ(
        resultOf(policy, [] { return triedWith(::syscall(SYS_clone, 0x04000000 | SIGCHLD, 0, 0, 0, 0)); }),
        EPERM);
    EXPECT_EQ(resultOf(policy, [] { return triedWith(::syscall(SYS_clone3, nullptr, 0)); }), ENOSYS);
    EXPECT_EQ(resultOf(policy, [] { return triedWith(::syscall(SYS_ptrace, 0, 0, 0, 0)); }), EPERM);
  }
  EXPECT_EQ(resultOf({}, [] { return socket_(AF_INET, SOCK_STREAM, 0); }), EPERM);
  EXPECT_EQ(resultOf({.network = Network::outbound}, [] { return socket_(AF_INET, SOCK_STREAM, 0); }),
            worked);
}

TEST_P(SandboxOfPrograms, RemovesTheFolderOfTheStarterAndNoOther) {
  const pid_t starter = ::fork();
  if (starter == 0) {
    const ProgramLock lock({}, folder / "sub");
    lock.lockStarter();
    std::error_code error;
    std::filesystem::remove(folder / "listed", error);
    if (!error) ::_exit(1);
    if (::unlink((folder / "sub" / "inner").c_str()) != 0 || ::rmdir((folder / "sub").c_str()) != 0)
      ::_exit(2);
    ::_exit(worked);
  }
  EXPECT_EQ(waitedFor(starter), worked);
  EXPECT_FALSE(std::filesystem::exists(folder / "sub"));
  EXPECT_EQ(resultOf({}, [&] { return triedWith(::unlink((folder / "listed").c_str())); }), EACCES);
}

INSTANTIATE_TEST_SUITE_P(As, SandboxOfPrograms, testing::Values("oneself", "abi1", "abi2", "abi5"),
                         [](auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace smsd::sandbox
