// SPDX-License-Identifier: GPL-3.0-or-later
// How smsd ended, as systemd has it, and whether its state directory can be written.
#include "supervisor/smsctl/status/not-running.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "supervisor/control/state-folder.h"

namespace smsd::smsctl {
namespace {

TEST(NotRunning, KnowsFromSystemdHowSmsdEnded) {
  struct Case {
    const char* shown;
    const char* expected;
  };
  for (const auto& one : std::initializer_list<Case>{
           {"", ""},
           {"ActiveState=inactive\nSubState=dead\nResult=success\nExecMainStatus=0\nNRestarts=0\n", ""},
           {"ActiveState=activating\nSubState=start\nResult=success\nExecMainStatus=0\nNRestarts=0\n", ""},
           {"ActiveState=activating\nSubState=auto-restart\nResult=core-dump\nExecMainStatus=11\nNRestarts="
            "7\n",
            "smsd ends again and again (core-dump, exit status 11; systemd has restarted it 7 times)"},
           {"ActiveState=failed\nSubState=failed\nResult=exit-code\nExecMainStatus=78\nNRestarts=0\n",
            "smsd has ended (exit-code, exit status 78), and systemd does not restart it"},
       }) {
    const auto found = findingOfUnit(one.shown);
    EXPECT_EQ(found ? found->what : "", one.expected) << one.shown;
    EXPECT_EQ(found ? found->next : "", found ? "journalctl --unit=smsd --lines=20 --no-pager" : "");
  }
}

TEST(StateFolder, NamesWhatKeepsSmsdFromWritingThere) {
  char name[] = "/tmp/smsd-state-XXXXXX";
  const std::filesystem::path folder = mkdtemp(name);
  EXPECT_FALSE(control::troubleOf(folder).has_value());
  EXPECT_FALSE(control::troubleOf(folder / "missing").has_value()) << "smsd makes it";
  const auto file = control::troubleOf("/dev/null/state");
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->what, "smsd cannot write to its state_directory /dev/null/state: Not a directory");
  EXPECT_EQ(file->next, "ls -ld /dev/null/state");
  std::filesystem::remove(folder);
}

}  // namespace
}  // namespace smsd::smsctl
