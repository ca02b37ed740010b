// SPDX-License-Identifier: GPL-3.0-or-later
// The queue's file, the log beside it or the lock file is replaced or removed while a supervisor has them
// open. Its descriptors go on working, on files that nobody else sees.
#include <gtest/gtest.h>
#include <poll.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>

#include "supervisor/queue/built-in.h"
#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue {
namespace {

namespace fs = std::filesystem;
using Kind = QueueError::Kind;

class SqliteReplaced : public testing::Test {
 protected:
  fs::path folder;
  std::string path, backup;

  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "smsd-replaced-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    path = (folder / "queue.db").string();
    backup = (folder / "backup.db").string();
  }
  void TearDown() override { fs::remove_all(folder); }

  std::unique_ptr<Queue> enlisted() {
    auto queue = openSqlite(path);
    queue->enlist("here", longLease);
    return queue;
  }
  /// What another program inserts, by the path.
  void put(const std::string& recipient) { openSqlite(path)->insert({{std::nullopt, recipient, "text", 1}}); }
  static std::vector<Submission> claim(Queue& queue) {
    ClaimRequest request;
    request.limit = 10;
    request.dispatcher = "modem";
    request.format = joined;
    return queue.claim(request).submissions;
  }
  static Settlement accepted(const Submission& submission) {
    return {submission, Fate::sent, "accepted", "", "", std::nullopt};
  }
  /// As sqlite3's .backup makes it, whoever writes meanwhile.
  void backUp() {
    sqlite3* from = nullptr;
    sqlite3* to = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &from), SQLITE_OK);
    ASSERT_EQ(sqlite3_open(backup.c_str(), &to), SQLITE_OK);
    auto* copy = sqlite3_backup_init(to, "main", from, "main");
    ASSERT_NE(copy, nullptr);
    EXPECT_EQ(sqlite3_backup_step(copy, -1), SQLITE_DONE);
    sqlite3_backup_finish(copy);
    sqlite3_close(from);
    sqlite3_close(to);
  }
  void removeLog() {
    for (const char* suffix : {"-wal", "-shm"}) fs::remove(path + suffix);
  }
  static std::string sound(const std::string& file) {
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open(file.c_str(), &db), SQLITE_OK);
    std::string said;
    char* error = nullptr;
    const auto collect = [](void* into, int, char** values, char**) {
      *static_cast<std::string*>(into) += values[0];
      return 0;
    };
    sqlite3_exec(db, "PRAGMA integrity_check", collect, &said, &error);
    if (error != nullptr) said += error;
    sqlite3_free(error);
    sqlite3_close(db);
    return said;
  }
};

TEST_F(SqliteReplaced, IsSaidByEveryCallUntilTheNextEnlistmentWhichWorksOnTheNewFile) {
  auto queue = enlisted();
  put("of the old file");
  const auto held = claim(*queue);
  ASSERT_EQ(held.size(), 1u);
  backUp();
  fs::rename(backup, path);
  removeLog();
  put("of the new file");
  std::string what;
  EXPECT_EQ(refusal([&] { claim(*queue); }, &what), Kind::replaced);
  EXPECT_EQ(what, path + " was replaced by another file");
  EXPECT_EQ(refusal([&] { queue->renew(); }), Kind::replaced);
  EXPECT_EQ(refusal([&] { queue->depth(10); }), Kind::replaced)
      << "a look does not hide it from the supervisor";
  EXPECT_EQ(refusal([&] { queue->settle({accepted(held[0])}); }), Kind::replaced);

  queue->enlist("here", longLease);
  EXPECT_EQ(claim(*queue).at(0).recipient, "of the new file");
  const auto adopted = queue->takeOver();
  ASSERT_EQ(adopted.size(), 1u) << "under way when the copy was made";
  EXPECT_EQ(adopted[0].recipient, "of the old file");
  EXPECT_EQ(queue->settle({accepted(adopted[0])}).sent, 1u);
}

// A gateway that knows keys would drop a new alert as a copy of one that it took; a worker that remembers its
// attempts would answer for another SMS.
TEST_F(SqliteReplaced, AnOlderCopyGivesNoKeyAndNoAttemptTwice) {
  auto queue = enlisted();
  backUp();
  for (const char* recipient : {"1", "2", "3"}) put(recipient);
  const auto before = claim(*queue);
  ASSERT_EQ(before.size(), 3u);
  queue->settle({accepted(before[0]), accepted(before[1]), accepted(before[2])});
  fs::rename(backup, path);
  removeLog();
  EXPECT_EQ(refusal([&] { queue->renew(); }), Kind::replaced);
  queue->enlist("here", longLease);
  for (const char* recipient : {"4", "5", "6"}) put(recipient);
  for (const auto& after : claim(*queue))
    for (const auto& one : before) {
      EXPECT_NE(after.key, one.key);
      EXPECT_GT(after.attempt, one.attempt);
    }
}

TEST_F(SqliteReplaced, OneThatIsRemovedIsNotMadeAgainAndOneThatIsPutBackIsUsed) {
  auto queue = enlisted();
  put("1");
  backUp();
  fs::remove(path);
  removeLog();
  std::string what;
  EXPECT_EQ(refusal([&] { claim(*queue); }, &what), Kind::replaced);
  EXPECT_EQ(what, path + " was removed");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(refusal([&] { queue->enlist("here", longLease); }, &what), Kind::failed);
    EXPECT_NE(what.find("was removed while smsd used it"), std::string::npos) << what;
    EXPECT_FALSE(fs::exists(path));
  }
  fs::rename(backup, path);
  queue->enlist("here", longLease);
  EXPECT_EQ(claim(*queue).size(), 1u);
}

TEST_F(SqliteReplaced, ALogThatIsRemovedIsNoticedAndNothingThatWasInItIsLost) {
  auto queue = enlisted();
  put("1");
  const auto held = claim(*queue);
  removeLog();
  std::string what;
  EXPECT_EQ(refusal([&] { queue->renew(); }, &what), Kind::replaced);
  EXPECT_EQ(what, path + "-wal was removed");
  queue->enlist("here", longLease);
  const auto adopted = queue->takeOver();
  ASSERT_EQ(adopted.size(), held.size());
  EXPECT_EQ(queue->settle({accepted(adopted[0])}).sent, 1u);
  put("2");
  EXPECT_EQ(claim(*queue).size(), 1u);
  queue.reset();
  EXPECT_EQ(sound(path), "ok");
}

// SQLite takes whatever log lies beside a file for its own.
TEST_F(SqliteReplaced, WhatAnotherProgramWroteIntoTheOldLogBesideTheNewFileIsNotLost) {
  auto queue = enlisted();
  put("1");
  queue->takeNews();
  backUp();
  fs::rename(backup, path);
  put("2");  // into the log that is there
  EXPECT_EQ(refusal([&] { queue->renew(); }), Kind::replaced);
  queue->enlist("here", longLease);
  EXPECT_EQ(queue->depth(10).unsent, 2u);
  queue.reset();
  EXPECT_EQ(sound(path), "ok");
}

TEST_F(SqliteReplaced, TheLogOfTheOldFileIsNotReadIntoTheNewOne) {
  auto queue = enlisted();
  backUp();
  for (int i = 0; i < 300; ++i) put(std::to_string(1000 + i));
  ASSERT_EQ(claim(*queue).size(), 10u);
  {
    // Another queue, as it was long ago: its pages hold something else.
    auto other = openSqlite(backup);
    std::vector<NewMessage> many;
    for (int i = 0; i < 2000; ++i)
      many.push_back({std::nullopt, std::to_string(5000 + i), std::string(140, 'x'), i % 7});
    other->insert(many);
  }
  queue->takeNews();
  fs::rename(backup, path);  // and the log stays
  ASSERT_TRUE(fs::exists(path + "-wal"));
  EXPECT_EQ(refusal([&] { queue->renew(); }), Kind::replaced);
  queue->enlist("here", longLease);
  EXPECT_EQ(queue->depth(10'000).unsent, 2000u);
  EXPECT_EQ(claim(*queue).size(), 10u);
  queue.reset();
  EXPECT_EQ(sound(path), "ok");
}

/// The queue is reached through a symbolic link; `path` is the file itself.
class SqliteBehindALink : public SqliteReplaced {
 protected:
  std::string link;

  void SetUp() override {
    SqliteReplaced::SetUp();
    fs::create_directory(folder / "real");
    link = path;
    path = (folder / "real" / "file.db").string();
    fs::create_symlink("real/file.db", link);
  }
  std::unique_ptr<Queue> enlistedByLink() {
    auto queue = openSqlite(link);
    queue->enlist("here", longLease);
    return queue;
  }
};

TEST_F(SqliteBehindALink, HasOneLockAndOneReserveBesideTheFileItself) {
  auto first = enlistedByLink();
  EXPECT_TRUE(fs::is_symlink(link));
  for (const char* suffix : {"", "-wal", "-shm", ".lock", ".reserve"})
    EXPECT_TRUE(fs::exists(path + suffix)) << suffix;
  for (const char* suffix : {"-wal", "-shm", ".lock", ".reserve"})
    EXPECT_FALSE(fs::exists(link + suffix)) << suffix;
  EXPECT_EQ(refusal([&] { enlisted(); }), Kind::busy);
  fs::create_directory_symlink(folder / "real", folder / "linked-folder");
  EXPECT_EQ(refusal([&] {
              openSqlite((folder / "linked-folder" / "file.db").string())->enlist("there", longLease);
            }),
            Kind::busy);
  EXPECT_EQ(refusal([&] { first->renew(); }), std::nullopt);
}

TEST_F(SqliteBehindALink, WakesWhenAnotherProgramInserts) {
  auto queue = enlistedByLink();
  queue->takeNews();
  put("1");
  pollfd waiting{queue->newsFd(), POLLIN, 0};
  EXPECT_EQ(poll(&waiting, 1, 5000), 1);
  EXPECT_TRUE(queue->takeNews());
}

TEST_F(SqliteBehindALink, ReadsNoOldLogIntoAFileThatReplacedTheTarget) {
  auto queue = enlistedByLink();
  for (const char* recipient : {"1", "2", "3"}) put(recipient);
  backUp();
  for (int i = 0; i < 8; ++i) put(std::to_string(1000 + i));
  queue->takeNews();
  fs::rename(backup, path);  // and the log stays
  ASSERT_TRUE(fs::exists(path + "-wal"));
  std::string what;
  EXPECT_EQ(refusal([&] { queue->renew(); }, &what), Kind::replaced);
  EXPECT_EQ(what, path + " was replaced by another file");
  queue->enlist("here", longLease);
  EXPECT_EQ(queue->depth(10).unsent, 3u);
  queue.reset();
  EXPECT_EQ(sound(path), "ok");
}

TEST_F(SqliteBehindALink, IsTheFileThatTheLinkLeadsToNow) {
  auto queue = enlistedByLink();
  const std::string other = (folder / "other.db").string();
  auto keepsItsLog = openSqlite(other);
  keepsItsLog->insert({{std::nullopt, "of the other", "text", 1}});
  fs::create_symlink(other, folder / "new-link");
  fs::rename(folder / "new-link", link);
  std::string what;
  EXPECT_EQ(refusal([&] { queue->renew(); }, &what), Kind::replaced);
  EXPECT_EQ(what, link + " was replaced by another file");
  queue->enlist("here", longLease);
  EXPECT_EQ(claim(*queue).at(0).recipient, "of the other");
  EXPECT_EQ(refusal([&] { openSqlite(other)->enlist("there", longLease); }), Kind::busy);
  EXPECT_EQ(refusal([&] { enlisted(); }), std::nullopt) << "the former file is free";
}

TEST_F(SqliteBehindALink, IsAwayWhileTheLinkLeadsInACircle) {
  auto queue = enlistedByLink();
  put("1");
  fs::remove(link);
  fs::create_symlink(fs::path(link).filename(), link);
  EXPECT_EQ(refusal([&] { queue->renew(); }), Kind::replaced);
  EXPECT_EQ(refusal([&] { queue->enlist("here", longLease); }), Kind::notInstalled);
  fs::remove(link);
  fs::create_symlink(path, link);
  queue->enlist("here", longLease);
  EXPECT_EQ(claim(*queue).size(), 1u);
}

// Each name would have a log of its own: SQLite would damage the file.
TEST_F(SqliteReplaced, AFileWithTwoNamesIsRefusedByEachOfThem) {
  auto queue = enlisted();
  const std::string second = (folder / "second.db").string();
  fs::create_hard_link(path, second);
  for (const std::string& name : {path, second}) {
    std::string what;
    EXPECT_EQ(refusal([&] { openSqlite(name)->enlist("there", longLease); }, &what), Kind::notInstalled);
    EXPECT_NE(what.find(name + ": the file has 2 names (hard links)"), std::string::npos) << what;
    EXPECT_NE(what.find("remove the other names"), std::string::npos) << what;
  }
  EXPECT_FALSE(fs::exists(second + "-wal"));
  EXPECT_EQ(refusal([&] { queue->renew(); }), std::nullopt) << "that smsd continues";
  fs::remove(second);
  openSqlite(path)->depth(1);

  installSqlite(backup);
  fs::create_hard_link(backup, second);
  fs::rename(backup, path);
  removeLog();
  EXPECT_EQ(refusal([&] { queue->renew(); }), Kind::replaced);
  EXPECT_EQ(refusal([&] { queue->enlist("here", longLease); }), Kind::notInstalled);
  fs::remove(second);
  queue->enlist("here", longLease);
}

TEST_F(SqliteReplaced, ASecondSupervisorThatLocksANewLockFileIsNotThrownOutAgain) {
  auto first = enlisted();
  fs::remove(path + ".lock");
  auto second = openSqlite(path);
  second->enlist("there", longLease);
  EXPECT_EQ(refusal([&] { first->renew(); }), Kind::fenced);
  EXPECT_EQ(refusal([&] { first->enlist("here", longLease); }), Kind::busy);
  EXPECT_EQ(refusal([&] { second->renew(); }), std::nullopt);
}

}  // namespace
}  // namespace smsd::queue
