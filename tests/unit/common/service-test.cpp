// SPDX-License-Identifier: GPL-3.0-or-later
// The messages to systemd, against a NOTIFY_SOCKET of the test's own.
#include "common/systemd/service.h"

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

}  // namespace
}  // namespace smsd::systemd
