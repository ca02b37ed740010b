// SPDX-License-Identifier: GPL-3.0-or-later
// A process that may make new Unix sockets, for a daemon that may be restarted.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>

#include "tests/unit/common/sandbox-child.h"

namespace smsd::sandbox {
namespace {

TEST_P(Sandbox, ConnectsToAUnixSocketIfItsPolicyAllowsThatAndMakesNoOtherSocket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, (folder / "socket").c_str());
  const int server = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(server, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::chmod(address.sun_path, 0777), 0);
  ASSERT_EQ(::listen(server, 8), 0);
  const Policy policy{.unixSockets = UnixSockets::connect};
  EXPECT_EQ(resultOf(policy,
                     [&] {
                       const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
                       if (fd < 0) return errno;
                       return triedWith(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address));
                     }),
            worked);
  for (int wanted : {SOCK_SEQPACKET, SOCK_DGRAM})
    EXPECT_NE(resultOf(policy, [&] { return triedWith(::socket(AF_UNIX, wanted, 0)); }), worked) << wanted;
  for (int family : {AF_INET, AF_INET6})
    EXPECT_NE(resultOf(policy, [&] { return triedWith(::socket(family, SOCK_STREAM, 0)); }), worked)
        << family;
  ::close(server);
}

}  // namespace
}  // namespace smsd::sandbox
