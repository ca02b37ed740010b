// SPDX-License-Identifier: GPL-3.0-or-later
// The sockets that systemd may hand over, against sockets of the test's own.
#include "common/systemd/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <kj/io.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

namespace smsd::systemd {
namespace {

/// A child that was handed `count` descriptors called `names` from 3 on; what takeListener() said, empty when
/// it was content. In a child, as the variables name a pid and descriptor 3 is taken here.
std::string handed(const std::vector<int>& descriptors, const char* names) {
  int report[2];
  EXPECT_EQ(pipe2(report, O_CLOEXEC), 0);
  kj::AutoCloseFd in(report[0]), out(report[1]);
  pid_t child = fork();
  if (child == 0) {
    int kept = fcntl(out.get(), F_DUPFD_CLOEXEC, 200);
    std::vector<int> copies;
    for (int fd : descriptors) copies.push_back(fcntl(fd, F_DUPFD_CLOEXEC, 100));
    for (std::size_t i = 0; i < copies.size(); ++i) dup2(copies[i], 3 + static_cast<int>(i));
    setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    setenv("LISTEN_FDS", std::to_string(descriptors.size()).c_str(), 1);
    if (names != nullptr) setenv("LISTEN_FDNAMES", names, 1);
    std::string said;
    try {
      if (!wasHandedSockets()) said = "nothing was handed over";
      if (takeListener({"gateway", "smsd-http@gateway.socket"}) != 3) said = "another descriptor";
      if (getenv("LISTEN_FDS") != nullptr) said = "the variables stayed";
    } catch (const ListenerError& e) {
      said = e.what();
    }
    _exit(write(kept, said.data(), said.size()) == static_cast<ssize_t>(said.size()) ? 0 : 1);
  }
  out = nullptr;
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  char text[2048];
  ssize_t n = read(in.get(), text, sizeof text);
  return std::string(text, static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
}

kj::AutoCloseFd unixSocket(int type, bool listening) {
  kj::AutoCloseFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;  // no path: the kernel picks an abstract one
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)), 0);
  if (listening) {
    EXPECT_EQ(listen(fd.get(), 1), 0);
  }
  return fd;
}

TEST(Listener, TakesOneListeningUnixStreamSocketUnderEitherOfItsNames) {
  auto socket = unixSocket(SOCK_STREAM, true);
  EXPECT_EQ(handed({socket.get()}, "gateway"), "");
  EXPECT_EQ(handed({socket.get()}, "smsd-http@gateway.socket"), "");
}

TEST(Listener, RefusesAnotherNameOrNoneAndSaysWhatItShouldBe) {
  auto socket = unixSocket(SOCK_STREAM, true);
  for (auto name : {"modem1", "", "gateway2", "connection"}) {
    auto said = handed({socket.get()}, name);
    EXPECT_NE(said.find("FileDescriptorName=gateway"), std::string::npos) << name << ": " << said;
  }
  EXPECT_NE(handed({socket.get()}, nullptr).find("FileDescriptorName=gateway"), std::string::npos);
}

TEST(Listener, RefusesMoreThanOneAndWhatIsNoListeningStream) {
  auto socket = unixSocket(SOCK_STREAM, true);
  EXPECT_NE(handed({socket.get(), socket.get()}, "gateway:gateway").find("2 descriptors"), std::string::npos);
  // As many names as descriptors, or systemd did not write this.
  EXPECT_NE(handed({socket.get()}, "gateway:gateway"), "");
  for (auto& wrong : {unixSocket(SOCK_STREAM, false).release(), unixSocket(SOCK_DGRAM, false).release()}) {
    EXPECT_NE(handed({wrong}, "gateway").find("not a listening Unix stream socket"), std::string::npos);
    close(wrong);
  }
  kj::AutoCloseFd file(open("/dev/null", O_RDWR | O_CLOEXEC));
  EXPECT_NE(handed({file.get()}, "gateway").find("not a listening Unix stream socket"), std::string::npos);
}

}  // namespace
}  // namespace smsd::systemd
