// SPDX-License-Identifier: GPL-3.0-or-later
// The bell of a queue in a file: it announces all that other processes wrote, and costs it no lock.
#include <sys/wait.h>
#include <unistd.h>

#include <future>

#include "supervisor/queue/built-in.h"
#include "tests/queue/sqlite-bench.h"

namespace smsd::queue::sqlite {
namespace {

TEST_F(SqliteFile, AnnouncesWhatAnotherConnectionWroteAndNotWhatItWroteItself) {
  auto supervisor = enlisted();
  ASSERT_GE(supervisor->newsFd(), 0);
  supervisor->takeNews();
  EXPECT_FALSE(supervisor->takeNews());
  supervisor->insert({{std::nullopt, "1", "own", 1}});
  EXPECT_FALSE(supervisor->takeNews());
  EXPECT_FALSE(readable(supervisor->newsFd(), 0));
  openSqlite(path)->insert({{std::nullopt, "2", "another's", 1}});
  EXPECT_TRUE(readable(supervisor->newsFd(), 10'000));
  EXPECT_TRUE(supervisor->takeNews());
  EXPECT_FALSE(readable(supervisor->newsFd(), 0));
  EXPECT_FALSE(supervisor->takeNews());
}

// A process that opens and closes the file once more loses its locks on it: whoever closes it elsewhere then
// removes the log under the supervisor's feet.
TEST_F(SqliteFile, KeepsItsLogWhenTheBellWasRungAndAnotherProcessComesAndGoes) {
  int go[2];
  ASSERT_EQ(pipe(go), 0);
  const pid_t child = fork();  // before SQLite knows the file: a child has its memory, but not its locks
  if (child == 0) {
    close(go[1]);
    char byte;
    if (read(go[0], &byte, 1) == 0) openSqlite(path)->insert({{std::nullopt, "1", "x", 1}});
    _exit(0);
  }
  auto supervisor = enlisted();
  ASSERT_TRUE(supervisor->ringBell().has_value());
  close(go[0]);
  close(go[1]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_TRUE(fs::exists(path + "-wal"));
  EXPECT_EQ(claim(*supervisor).size(), 1u);
}

// The log is written before its commit can be seen: who only looked once at that moment would miss it until
// the next poll.
TEST_F(SqliteFile, DoesNotMissWhatWasWrittenButNotYetCommittedWhenItLooked) {
  auto supervisor = enlisted();
  supervisor->takeNews();
  Raw writer(path);
  writer.run("PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN IMMEDIATE");
  for (int i = 0; i < 500; ++i) writer.run("INSERT INTO smsq (phone, msg) VALUES ('1', hex(zeroblob(70)))");
  ASSERT_TRUE(readable(supervisor->newsFd(), 10'000)) << "written before the commit";
  auto looked = std::async(std::launch::async, [&] { return supervisor->takeNews(); });
  EXPECT_EQ(looked.wait_for(50ms), std::future_status::timeout) << "the commit is waited for";
  writer.run("COMMIT");
  EXPECT_TRUE(looked.get());
}

}  // namespace
}  // namespace smsd::queue::sqlite
