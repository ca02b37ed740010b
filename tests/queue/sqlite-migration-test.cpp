// SPDX-License-Identifier: GPL-3.0-or-later
// A queue of an older version becomes one of today's by itself, and a copy of it is kept.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "supervisor/queue/built-in.h"
#include "supervisor/queue/sqlite/install.h"
#include "supervisor/queue/sqlite/queue-file.h"
#include "supervisor/queue/sqlite/stamp.h"
#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue::sqlite {
namespace {

namespace fs = std::filesystem;

std::string contentOf(const fs::path& path) {
  std::ostringstream content;
  content << std::ifstream(path).rdbuf();
  return content.str();
}

std::string run(const std::string& path, const std::string& statement) {
  sqlite3* db = nullptr;
  std::string rows;
  const auto collect = [](void* into, int columns, char** values, char**) {
    for (int i = 0; i < columns; ++i)
      static_cast<std::string*>(into)->append(values[i] == nullptr ? "NULL" : values[i]).append("\n");
    return 0;
  };
  char* error = nullptr;
  sqlite3_open(path.c_str(), &db);
  sqlite3_exec(db, statement.c_str(), collect, &rows, &error);
  if (error != nullptr) rows = std::string("error: ") + error;
  sqlite3_free(error);
  sqlite3_close(db);
  return rows;
}

class SqliteMigration : public testing::Test {
 protected:
  fs::path folder;
  std::string path, copy;

  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "smsd-sqlite-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    path = (folder / "queue.db").string();
    copy = path + ".version-2";
    std::ostringstream schema;
    schema << std::ifstream(SMSD_SCHEMA_BEFORE "/sqlite-2.sql").rdbuf();
    ASSERT_EQ(run(path, "PRAGMA journal_mode = WAL"), "wal\n");
    ASSERT_EQ(run(path, schema.str()), "");
    fs::permissions(path, fs::perms(0640));
  }
  void TearDown() override { fs::remove_all(folder); }

  std::unique_ptr<Queue> enlisted() {
    auto queue = openSqlite(path);
    queue->enlist("here", longLease);
    return queue;
  }
  static ClaimResult claim(Queue& queue) {
    ClaimRequest request;
    request.limit = 100;
    request.dispatcher = "modem";
    request.format = joined;
    return queue.claim(request);
  }
};

TEST_F(SqliteMigration, KeepsAllThatIsInTheQueueAndEndsWithTheTablesOfAFreshOne) {
  ASSERT_EQ(run(path,
                "INSERT INTO account (id, login) VALUES (1, 'one');"
                "INSERT INTO smsq (id, accountid, time, phone, msg, severity) VALUES"
                " (1, 1, '2026-01-01 00:00:00.123', 'held', 'a', 1), (2, NULL, '2026-01-01 00:00:01', "
                "'waits', 'b', 2),"
                " (3, NULL, '2026-01-01 00:00:02', 'live', 'c', 3), (9, NULL, '2026-01-01 00:00:03', 'new', "
                "'d', NULL);"
                "DELETE FROM smsq WHERE id = 9;"
                "CREATE TRIGGER theirs AFTER INSERT ON smsq BEGIN SELECT 1; END;"
                "INSERT INTO smsd_supervisor VALUES (1, 'here', 'h', 1, 'then', 1, 1, 1);"
                "INSERT INTO smsd_submission (id, recipient, supervisor, attempt, dispatcher, attempts, "
                "text, encoding, units,"
                " parts, sent_ids, ignored_ids, severity, first_message, rounds, created, ended, fate) VALUES"
                " (1, 'held', 1, 1, 'm', 1, 'a', 'gsm7', 1, 1, '[1]', '[]', 1, 1, 0, 'then', 'then', 'held'),"
                " (2, 'live', 1, 2, 'm', 1, 'c', 'gsm7', 1, 1, '[3]', '[]', 3, 3, 2, 'then', NULL, NULL);"
                "UPDATE smsd_installation SET last_attempt = 2;"
                "INSERT INTO smsd_held VALUES (1, 1);"
                "INSERT INTO smsd_wait VALUES ('waits', 2, 1, 'of version 2', 2)"),
            "");
  auto queue = enlisted();
  EXPECT_EQ(run(path, "PRAGMA user_version"), "5\n");
  EXPECT_EQ(run(path, "PRAGMA integrity_check"), "ok\n");
  EXPECT_EQ(run(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'theirs'"), "1\n");
  EXPECT_EQ(queue->held(10).at(0).messages, std::vector<format::MessageId>{1});
  EXPECT_EQ(run(path, "SELECT stamp FROM smsd_held"),
            std::to_string(stampOf("2026-01-01 00:00:00.123", "held", "a")) + "\n");
  auto adopted = queue->takeOver();
  ASSERT_EQ(adopted.size(), 1u);
  EXPECT_EQ(adopted[0].rounds, 2);
  EXPECT_EQ(queue->settle({{adopted[0], Fate::sent, "accepted", "", "", std::nullopt}}).sent, 1u);
  auto claimed = claim(*queue).submissions;
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_EQ(claimed[0].recipient, "waits");
  EXPECT_EQ(claimed[0].rounds, 2);
  EXPECT_EQ(queue->insert({{std::nullopt, "1", std::string(146, 'x'), 1}}),
            std::vector<format::MessageId>{10})
      << "ids go on where they were";
  const std::string fresh = (folder / "fresh.db").string();
  installSqlite(fresh);
  const char* columns =
      "SELECT m.name, group_concat(c.name || ' ' || c.type || ' ' || c.\"notnull\") FROM sqlite_schema m, "
      "pragma_table_info(m.name) c WHERE m.type = 'table' GROUP BY m.name ORDER BY m.name";
  EXPECT_EQ(run(path, columns), run(fresh, columns));
  EXPECT_EQ(run(path, "SELECT sql FROM sqlite_schema WHERE name = 'smsq'"),
            run(fresh, "SELECT sql FROM sqlite_schema WHERE name = 'smsq'"));
  EXPECT_NE(run(path, "SELECT sql FROM sqlite_schema WHERE name = 'smsd_ignored'").find("'resolved'"),
            std::string::npos);
}

TEST_F(SqliteMigration, GoesThroughAllVersionsThatThereWere) {
  ASSERT_EQ(run(path,
                "INSERT INTO smsq (phone, msg) VALUES ('1', 'waits');"
                "INSERT INTO smsd_wait (recipient, rounds, due, reason) VALUES ('1', 2, 1, 'of version 1');"
                "ALTER TABLE smsd_wait DROP COLUMN severity; PRAGMA user_version = 1"),
            "");
  auto queue = enlisted();
  EXPECT_EQ(claim(*queue).submissions.at(0).rounds, 2);
  EXPECT_EQ(run(path, "PRAGMA user_version"), "5\n");
  EXPECT_EQ(run(path + ".version-1", "PRAGMA user_version"), "1\n");
}

TEST_F(SqliteMigration, AddsTheHeartbeatsToAQueueOfTheVersionBefore) {
  const std::string former = (folder / "former.db").string();
  std::ostringstream schema;
  schema << std::ifstream(SMSD_SCHEMA_BEFORE "/sqlite-3.sql").rdbuf();
  ASSERT_EQ(run(former, "PRAGMA journal_mode = WAL"), "wal\n");
  ASSERT_EQ(run(former, schema.str() +
                            "INSERT INTO smsq (phone, msg) VALUES ('1', 'text');"
                            "INSERT INTO smsd_wait (recipient, rounds, due, reason) VALUES ('2', 3, 1, 'x')"),
            "");
  auto queue = openSqlite(former);
  EXPECT_TRUE(queue->beat("nav"));
  EXPECT_EQ(
      run(former, "PRAGMA user_version; SELECT rounds FROM smsd_wait; SELECT beats FROM smsd_heartbeat"),
      "5\n3\n1\n");
  EXPECT_EQ(run(former + ".version-3", "PRAGMA user_version; SELECT msg FROM smsq"), "3\ntext\n");
}

TEST_F(SqliteMigration, AddsTheAlertsToAQueueOfTheVersionBefore) {
  const std::string former = (folder / "former.db").string();
  std::ostringstream schema;
  schema << std::ifstream(SMSD_SCHEMA_BEFORE "/sqlite-4.sql").rdbuf();
  ASSERT_EQ(run(former, "PRAGMA journal_mode = WAL"), "wal\n");
  ASSERT_EQ(run(former, schema.str() + "INSERT INTO smsq (phone, msg) VALUES ('1', 'text');"
                                       "INSERT INTO smsd_ignored VALUES (7, 'expired', 'then', 1);"
                                       "INSERT INTO smsd_heartbeat (name, looked) VALUES ('nav', 1)"),
            "");
  auto queue = openSqlite(former);
  const std::vector<NewAlert> firing{{.recipient = "1", .text = "firing", .caller = "one", .key = "key"}},
      resolved{{.recipient = "1", .text = "resolved", .caller = "one", .cancels = "key"}};
  EXPECT_EQ(queue->submit(firing, 1h).offer, Submitted::Offer::taken);
  EXPECT_EQ(queue->submit(resolved, 1h).fates.at(0).result, AlertFate::Result::cancelled);
  EXPECT_EQ(run(former,
                "PRAGMA user_version; SELECT reason FROM smsd_ignored ORDER BY message; SELECT name FROM "
                "smsd_heartbeat"),
            "5\nresolved\nexpired\nnav\n");
  EXPECT_EQ(run(former + ".version-4", "PRAGMA user_version; SELECT msg FROM smsq"), "4\ntext\n");
}

TEST_F(SqliteMigration, LeavesACopyThatTheFormerProgramCanUseAndThatIsAsClosedToOthers) {
  run(path, "INSERT INTO smsq (phone, msg) VALUES ('1', 'text')");
  openSqlite(path)->depth(1);
  EXPECT_EQ(run(copy, "PRAGMA user_version; SELECT msg FROM smsq"), "2\ntext\n");
  EXPECT_NE(run(copy, "INSERT INTO smsq (phone, msg) VALUES ('1', hex(zeroblob(73)))").find("msg_length"),
            std::string::npos);
  struct stat status {};
  ASSERT_EQ(stat(copy.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640u);
  EXPECT_FALSE(fs::exists(copy + ".unfinished"));
}

TEST_F(SqliteMigration, GoesOnWhereAFormerOneWasInterrupted) {
  std::ofstream(copy + ".unfinished") << "half of it";
  openSqlite(path)->depth(1);
  EXPECT_EQ(run(path, "PRAGMA user_version"), "5\n");
  EXPECT_EQ(run(copy, "PRAGMA user_version"), "2\n");
  EXPECT_EQ(contentOf(copy + ".unfinished"), "half of it");
}

TEST_F(SqliteMigration, GivesTheCopyANumberWhereAFileHasItsName) {
  std::ofstream(copy) << "of an earlier time";
  std::ofstream(folder / "other") << "of another program";
  fs::create_symlink(folder / "other", copy + ".1");
  fs::create_symlink(folder / "nothing", copy + ".2");
  openSqlite(path)->depth(1);
  EXPECT_EQ(run(path, "PRAGMA user_version"), "5\n");
  EXPECT_EQ(contentOf(copy), "of an earlier time");
  EXPECT_EQ(contentOf(folder / "other"), "of another program");
  EXPECT_TRUE(fs::is_symlink(copy + ".1"));
  EXPECT_FALSE(fs::exists(folder / "nothing"));
  EXPECT_EQ(run(copy + ".3", "PRAGMA user_version"), "2\n");
  EXPECT_FALSE(fs::exists(copy + ".unfinished"));
}

TEST_F(SqliteMigration, ChangesNothingWhereNoCopyCanBeKept) {
  for (const std::string& taken : {copy, copy + ".unfinished"}) {
    fs::create_directory(taken);
    for (int n = 1; n <= 10; ++n) fs::create_directory(taken + "." + std::to_string(n));
    std::string what;
    EXPECT_EQ(refusal([&] { openSqlite(path)->depth(1); }, &what), QueueError::Kind::failed);
    EXPECT_NE(what.find("no copy of it can be kept"), std::string::npos) << what;
    EXPECT_NE(what.find("move those files away"), std::string::npos) << what;
    EXPECT_EQ(run(path, "PRAGMA user_version"), "2\n");
  }
}

TEST_F(SqliteMigration, LeavesNoCopyOfAMigrationThatFailed) {
  ASSERT_EQ(run(path, "ALTER TABLE smsd_wait RENAME TO smsd_wait_of_theirs"), "");
  for (int i = 0; i < 2; ++i) EXPECT_NE(refusal([&] { openSqlite(path)->depth(1); }), std::nullopt);
  EXPECT_EQ(run(path, "PRAGMA user_version"), "2\n");
  EXPECT_FALSE(fs::exists(copy));
  EXPECT_FALSE(fs::exists(copy + ".1"));
}

TEST_F(SqliteMigration, WaitsUntilTheFormerProgramHasEnded) {
  {
    const OwnedFd former = lockOwner(path);
    std::string what;
    EXPECT_EQ(refusal([&] { openSqlite(path)->depth(1); }, &what), QueueError::Kind::busy);
    EXPECT_EQ(run(path, "PRAGMA user_version"), "2\n");
    EXPECT_FALSE(fs::exists(copy));
  }
  EXPECT_EQ(openSqlite(path)->depth(1).unsent, 0u);
}

// A backup of before an upgrade is put in the place of the file that smsd works on.
TEST_F(SqliteMigration, IsDoneBySmsdItselfWhereAnOlderFileIsPutInThePlaceOfItsOwn) {
  run(path, "INSERT INTO smsq (phone, msg) VALUES ('1', 'text')");
  const std::string backup = (folder / "backup.db").string();
  ASSERT_EQ(run(path, "VACUUM INTO '" + backup + "'"), "");
  auto queue = enlisted();
  fs::rename(backup, path);
  std::vector<Submission> claimed;
  ASSERT_TRUE(eventually([&] {
    try {
      queue->enlist("here", longLease);
      claimed = claim(*queue).submissions;
    } catch (const QueueError& error) {
      EXPECT_NE(error.kind(), QueueError::Kind::busy) << error.what();
    }
    return !claimed.empty();
  }));
  EXPECT_EQ(run(path, "PRAGMA user_version"), "5\n");
}

}  // namespace
}  // namespace smsd::queue::sqlite
