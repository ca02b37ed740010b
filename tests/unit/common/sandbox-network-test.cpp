// SPDX-License-Identifier: GPL-3.0-or-later
// The sockets that a process that locked itself in can still make, and the peers that it can reach.
#include <netdb.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <thread>

#include "tests/unit/common/sandbox-child.h"

namespace smsd::sandbox {
namespace {

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

}  // namespace
}  // namespace smsd::sandbox
