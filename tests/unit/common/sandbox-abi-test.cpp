// SPDX-License-Identifier: GPL-3.0-or-later
// What each version of the kernel's Landlock holds, as the table of SECURITY in smsd(8) says. All other tests
// of the lock run with ABI 1, 2 and 5 as well.
#include <sys/stat.h>
#include <sys/un.h>

#include <csignal>
#include <cstddef>
#include <iterator>
#include <map>

#include "common/sandbox/landlock.h"
#include "tests/unit/common/sandbox-child.h"

namespace smsd::sandbox {
namespace {

struct Attempt {
  const char* what;
  Policy policy;
  std::function<int()> attempt;
  std::map<int, int> results;  // by the ABI from which on they hold
};

class SandboxAbi : public Sandbox {};

int bindTcp() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return triedWith(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address));
}

/// A datagram socket of another program with an abstract name, and one that the worker had open, as the
/// journal's.
struct Abstract {
  Abstract() {
    address.sun_family = AF_UNIX;
    std::string name = "smsd-sandbox-abi-" + std::to_string(::getpid());
    name.copy(address.sun_path + 1, name.size());
    size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (::bind(server, reinterpret_cast<sockaddr*>(&address), size) != 0)
      throw std::runtime_error("no abstract socket");
  }
  ~Abstract() {
    ::close(server);
    ::close(open);
  }
  int sendTo() const {
    return triedWith(::sendto(open, "x", 1, MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), size));
  }
  sockaddr_un address{};
  socklen_t size = 0;
  int server = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int open = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
};

TEST_P(SandboxAbi, HoldsAsTheManualSays) {
  int abi = landlockAbi();
  Listener named, other;
  Abstract abstract;
  const Policy listed{.readable = {folder / "listed"}};
  const Policy log{.writable = {folder / "listed"}};
  const Policy ports{.network = Network::outbound, .connectPorts = {named.port}};
  auto always = [](int result) { return std::map<int, int>{{1, result}}; };
  const std::vector<Attempt> table = {
      {"another file", listed, [&] { return open_(folder / "other", O_RDONLY); }, always(EACCES)},
      {"writing a file to read", listed, [&] { return open_(folder / "listed", O_WRONLY); }, always(EACCES)},
      {"a device", listed, [] { return open_("/dev/zero", O_RDWR); }, always(EACCES)},
      {"/proc of another process", listed, [] { return open_("/proc/1/cmdline", O_RDONLY); }, always(EACCES)},
      {"emptying a file by its path", log,
       [&] { return triedWith(::truncate((folder / "listed").c_str(), 0)); }, always(EPERM)},
      {"emptying a writable file",
       log,
       [&] { return open_(folder / "listed", O_WRONLY | O_TRUNC); },
       {{1, worked}, {3, EACCES}}},
      {"its port", ports, [&] { return connectTo(named.port); }, always(worked)},
      {"another port", ports, [&] { return connectTo(other.port); }, {{1, worked}, {4, EACCES}}},
      {"binding a port", ports, bindTcp, {{1, worked}, {4, EACCES}}},
      {"listening", ports, [] { return triedWith(::listen(::socket(AF_INET, SOCK_STREAM, 0), 1)); },
       always(EPERM)},
      {"a Unix socket", ports, [] { return socket_(AF_UNIX, SOCK_STREAM, 0); }, always(EAFNOSUPPORT)},
      {"an abstract socket, by an open one",
       ports,
       [&] { return abstract.sendTo(); },
       {{1, worked}, {6, EPERM}}},
      {"a signal", ports, [] { return triedWith(::kill(::getppid(), 0)); }, always(EPERM)},
  };
  for (auto& [what, policy, attempt, results] : table)
    EXPECT_EQ(resultOf(policy, attempt), std::prev(results.upper_bound(abi))->second) << what;
}

/// A kernel refuses rights that it does not know, so a lock that asks for them is not put in force: the fake
/// has to do so as well, or the other tests would show nothing.
TEST_P(SandboxAbi, IsRefusedRightsOfALaterOne) {
  const std::string param = GetParam();
  if (!param.starts_with("abi")) GTEST_SKIP() << "the kernel's own";
  int abi = landlockAbi();
  std::uint64_t attributes[3] = {abi < 3 ? 1ULL << 14 : 1ULL << 16, 0, 0};
  EXPECT_LT(::syscall(SYS_landlock_create_ruleset, attributes, 8, 0), 0);
  EXPECT_EQ(errno, EINVAL);
  std::uint64_t scopes[3] = {1, 0, 1};
  EXPECT_LT(::syscall(SYS_landlock_create_ruleset, scopes, 24, 0), 0);
  EXPECT_EQ(errno, E2BIG);
}

INSTANTIATE_TEST_SUITE_P(As, SandboxAbi, testing::Values("oneself", "abi1", "abi2", "abi5"),
                         [](auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace smsd::sandbox
