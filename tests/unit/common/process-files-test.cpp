// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/files/process-files.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

namespace smsd::files {
namespace {

/// A process that does nothing, until it is ended.
class Idle {
 public:
  Idle() {
    if (pid_ == 0)
      for (;;) ::pause();
  }
  ~Idle() { end(); }
  std::filesystem::path folder() const { return "/proc/" + std::to_string(pid_); }
  void end() {
    if (!std::exchange(runs_, false)) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  const pid_t pid_ = ::fork();
  bool runs_ = true;
};

TEST(ProcessFiles, AFileThatOpensAndCannotBeReadHasNoContent) {
  EXPECT_EQ(contentOf("/proc"), "") << "a folder opens as well";
  EXPECT_EQ(contentOf("/proc/self/no-such-file"), "");
  EXPECT_EQ(contentOf("/proc/self/comm").back(), '\n');
}

TEST(ProcessFiles, TheEntriesOfAProcessEndWithIt) {
  Idle process;
  std::error_code error;
  std::size_t entries = 0;
  EXPECT_FALSE(anyEntry(process.folder() / "fd", error, [&](const std::filesystem::path&) {
    if (++entries == 1) process.end();
    return false;
  }));
  EXPECT_FALSE(error);
  EXPECT_GE(entries, 1U);
  EXPECT_FALSE(anyEntry(process.folder() / "fd", error, [](const std::filesystem::path&) { return true; }));
  EXPECT_EQ(error, std::errc::no_such_file_or_directory);
}

TEST(ProcessFiles, TheSearchEndsAtTheFirstEntryThatIsWanted) {
  std::error_code error;
  int seen = 0;
  EXPECT_TRUE(
      anyEntry("/proc/self/fd", error, [&seen](const std::filesystem::path&) { return ++seen == 2; }));
  EXPECT_EQ(seen, 2);
}

}  // namespace
}  // namespace smsd::files
