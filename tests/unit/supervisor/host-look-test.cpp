// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/nav-move/host-look.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace smsd::smsctl::move {
namespace {

namespace fs = std::filesystem;

/// A Python that runs a script smsd.py as a user, until the end of this object.
class Script {
 public:
  explicit Script(uid_t user) : folder_(fs::path(::testing::TempDir()) / "look-alike") {
    fs::create_directories(folder_);
    fs::permissions(folder_, fs::perms(0755));
    const std::string path = folder_ / "smsd.py";
    std::ofstream(path) << "import signal\nprint(flush=True)\nsignal.pause()\n";
    fs::permissions(path, fs::perms(0644));
    int ends[2];
    if (pipe(ends) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      if (dup2(ends[1], STDOUT_FILENO) < 0 || setuid(user) != 0) _exit(1);
      execl("/usr/bin/python3", "python3", path.c_str(), nullptr);
      _exit(1);
    }
    close(ends[1]);
    char line = 0;
    runs_ = read(ends[0], &line, 1) == 1;
    close(ends[0]);
  }
  ~Script() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    fs::remove_all(folder_);
  }
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;
  bool runs() const { return runs_; }
  bool isIn(const std::vector<int>& found) const { return std::ranges::count(found, pid_) == 1; }

 private:
  fs::path folder_;
  pid_t pid_ = -1;
  bool runs_ = false;
};

// Any user may run a script of that name, and must not be able to hold up the move.
TEST(HostLook, OnlyAProcessOfRootOrOfNavsUserIsNavsSmsd) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become nobody";
  const auto others = usersOfNav("no-such-user", "/etc"), nobodys = usersOfNav("nobody", "/etc");
  for (const uid_t user : {uid_t{0}, *nobodys.rbegin()}) {
    const Script script(user);
    ASSERT_TRUE(script.runs());
    const auto found = navSmsdProcesses(others);
    EXPECT_EQ(script.isIn(found.ofNav), user == 0) << user;
    EXPECT_EQ(script.isIn(found.ofOthers), user != 0) << user;
    EXPECT_TRUE(script.isIn(navSmsdProcesses(nobodys).ofNav)) << user;
  }
}

}  // namespace
}  // namespace smsd::smsctl::move
