// SPDX-License-Identifier: GPL-3.0-or-later
// What systemd is told, and what it may hand over, against a NOTIFY_SOCKET and sockets of the test's own.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <kj/async.h>
#include <kj/io.h>
#include <kj/timer.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "common/sandbox/sandbox.h"
#include "common/systemd/listener.h"
#include "common/systemd/service.h"
#include "common/text/grouped.h"

namespace smsd::systemd {
namespace {

using namespace std::chrono_literals;

/// systemd's end of NOTIFY_SOCKET, for as long as it lives.
class Listening {
 public:
  Listening() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_ = std::filesystem::temp_directory_path() / ("smsd-notify-" + std::to_string(getpid()));
    std::strcpy(address.sun_path, path_.c_str());
    unlink(path_.c_str());
    socket_ = kj::AutoCloseFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    setenv("NOTIFY_SOCKET", path_.c_str(), 1);
    setenv("WATCHDOG_USEC", "4000000", 1);
    setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  }
  ~Listening() {
    for (auto name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
    unlink(path_.c_str());
  }
  KJ_DISALLOW_COPY(Listening);

  /// What was said since the last time, one message after the other.
  std::vector<std::string> heard() {
    std::vector<std::string> result;
    char buffer[4096];
    for (ssize_t n; (n = recv(socket_.get(), buffer, sizeof buffer, 0)) > 0;)
      result.emplace_back(buffer, static_cast<std::size_t>(n));
    return result;
  }

 private:
  std::filesystem::path path_;
  kj::AutoCloseFd socket_;
};

class Told : public ::testing::Test {
 protected:
  ~Told() noexcept override {}
  using Words = std::vector<std::string>;

  Words heard() { return listening.heard(); }
  std::size_t signsOfLife() {
    std::size_t count = 0;
    for (auto& one : heard()) count += one == "WATCHDOG=1";
    return count;
  }
  void advance(std::chrono::milliseconds by) {
    timer.advanceTo(timer.now() + static_cast<std::int64_t>(by.count()) * kj::MILLISECONDS);
    scope.poll();
  }

  Listening listening;
  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  bool alive = true;
  std::string line = "ready, 0 under way";
  Service service{timer, [this]() { return alive; }, [this]() { return line; }};
};

TEST_F(Told, ReadyWithTheStatusLineAndTheFirstSignOfLife) {
  service.changed();
  EXPECT_EQ(heard(), Words{});  // before it is ready there is nothing to say
  service.ready();
  EXPECT_EQ(heard(), (Words{"READY=1", "STATUS=ready, 0 under way", "WATCHDOG=1"}));
}

TEST_F(Told, SignsOfLifeAtHalfOfWhatIsAllowedAndOnlyWhileThereIsProgress) {
  service.ready();
  heard();
  for (int i = 0; i < 5; ++i) {
    advance(1999ms);
    EXPECT_EQ(signsOfLife(), 0u);
    advance(1ms);
    EXPECT_EQ(signsOfLife(), 1u);
  }
  alive = false;
  for (int i = 0; i < 10; ++i) advance(2s);
  EXPECT_EQ(signsOfLife(), 0u);
  alive = true;
  advance(2s);
  EXPECT_EQ(signsOfLife(), 1u);
}

TEST_F(Told, AStatusLineAtOnceThenAtMostOnceASecondAndOnlyWhenItIsAnother) {
  service.ready();
  heard();
  for (int i = 1; i <= 5; ++i) {  // fewer than fit into the socket: a fault must not hang here
    line = std::to_string(i) + " accepted";
    service.changed();
  }
  EXPECT_EQ(heard(), Words{});
  advance(1s);
  EXPECT_EQ(heard(), (Words{"STATUS=5 accepted"}));
  service.changed();
  advance(1s);
  EXPECT_EQ(heard(), (Words{"WATCHDOG=1"}));
  advance(1s);
  line = "another";
  service.changed();
  EXPECT_EQ(heard(), (Words{"STATUS=another"}));
}

TEST_F(Told, FromBehindTheLockOverTheSocketThatWasOpenedBefore) {
  pid_t child = fork();
  if (child == 0) {
    openNotifySocket();
    sandbox::lockIn({});
    service.ready();
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(heard(), (Words{"READY=1", "STATUS=ready, 0 under way"}));
}

TEST_F(Told, NoAssignmentOfSomebodyElsesWordsInTheStatusLine) {
  line = "broken: \nMAINPID=1\nSTATUS=fine";
  service.ready();
  for (auto& one : heard()) EXPECT_EQ(one.find('\n'), std::string::npos) << one;
}

TEST_F(Told, AReloadWithItsMomentAndItsEnd) {
  service.ready();
  heard();
  service.reloading();
  auto said = heard();
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].rfind("RELOADING=1\nMONOTONIC_USEC=", 0), 0u) << said[0];
  service.ready();
  EXPECT_EQ(heard(), (Words{"READY=1"}));
  // The reload did not begin a second watchdog.
  advance(2s);
  EXPECT_EQ(signsOfLife(), 1u);
}

TEST_F(Told, AStopAndHowLongItMayTake) {
  service.ready();
  heard();
  service.stopping(90s);
  EXPECT_EQ(heard(), (Words{"STOPPING=1\nEXTEND_TIMEOUT_USEC=90000000"}));
}

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

TEST(Grouped, PutsACommaBetweenThousands) {
  EXPECT_EQ(text::grouped(0), "0");
  EXPECT_EQ(text::grouped(999), "999");
  EXPECT_EQ(text::grouped(1'000), "1,000");
  EXPECT_EQ(text::grouped(123'456), "123,456");
  EXPECT_EQ(text::grouped(18'446'744'073'709'551'615u), "18,446,744,073,709,551,615");
}

}  // namespace
}  // namespace smsd::systemd
