// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/gammu/device-holder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <kj/io.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

namespace smsd::gammu {
namespace {

/// A pseudo terminal whose number is in its path.
struct Terminal {
  explicit Terminal(const char* multiplexer = "/dev/ptmx")
      : master(open(multiplexer, O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    char path[64] = "";
    if (master.get() >= 0 && unlockpt(master.get()) == 0 && ptsname_r(master.get(), path, sizeof path) == 0)
      slave = path;
  }
  kj::AutoCloseFd master;
  std::string slave;
};

/// Another process, which does `act` and lives on. `act` returns whether it worked.
class Other {
 public:
  explicit Other(const std::function<bool()>& act) {
    int ends[2];
    if (pipe(ends) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      const char done = act() ? 'y' : 'n';
      if (write(ends[1], &done, 1) == 1) pause();
      _exit(1);
    }
    close(ends[1]);
    char done = 'n';
    worked_ = read(ends[0], &done, 1) == 1 && done == 'y';
    close(ends[0]);
  }
  ~Other() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Other(const Other&) = delete;
  Other& operator=(const Other&) = delete;
  bool worked() const { return worked_; }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  bool worked_ = false;
};

bool opens(const std::string& terminal) { return open(terminal.c_str(), O_RDWR | O_NOCTTY) >= 0; }

/// As in a container: opens the terminal of this path in a devpts of its own.
bool opensInAnotherDevpts(const std::string& terminal) {
  if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("devpts", "/dev/pts", "devpts", 0, "newinstance,ptmxmode=0666") != 0)
    return false;
  static std::vector<Terminal> terminals;
  for (int most = 0; most < 1000; ++most)
    if (terminals.emplace_back("/dev/pts/ptmx").slave == terminal) return opens(terminal);
  return false;
}

TEST(DeviceHolder, IsTheOtherProcessThatHasTheDeviceOpen) {
  const Terminal terminal;
  ASSERT_FALSE(terminal.slave.empty());
  EXPECT_EQ(holderOf(terminal.slave), "");
  const Other other([&] { return opens(terminal.slave); });
  ASSERT_TRUE(other.worked());
  EXPECT_TRUE(holderOf(terminal.slave).ends_with(fmt::format(" (pid {})", other.pid())))
      << holderOf(terminal.slave);
}

TEST(DeviceHolder, IsNoProcessThatHasATerminalOfThatPathInAContainer) {
  const Terminal terminal;
  ASSERT_FALSE(terminal.slave.empty());
  const Other other([&] { return opensInAnotherDevpts(terminal.slave); });
  if (!other.worked()) GTEST_SKIP() << "no other devpts can be mounted here";
  EXPECT_EQ(holderOf(terminal.slave), "");
}

TEST(DeviceHolder, OfADeviceThatIsNotThereIsNobody) { EXPECT_EQ(holderOf("/dev/no-such-modem"), ""); }

}  // namespace
}  // namespace smsd::gammu
