// SPDX-License-Identifier: GPL-3.0-or-later
// The file of a queue: how it is made and refused, its one owner, and plans that do not depend on how full
// it is.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "supervisor/queue/built-in.h"
#include "supervisor/queue/sqlite/queue-file.h"
#include "supervisor/queue/sqlite/sql-claim.h"
#include "supervisor/queue/sqlite/sql-lease.h"
#include "supervisor/queue/sqlite/sql-nav.h"
#include "supervisor/queue/sqlite/sql-operator.h"
#include "supervisor/queue/sqlite/sql-pace.h"
#include "supervisor/queue/sqlite/sql-settle.h"
#include "tests/queue/sqlite-bench.h"
#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue::sqlite {
namespace {

TEST_F(SqliteFile, IsMadeWhenItIsNotThereAndClosedToOthers) {
  const mode_t before = umask(0);
  const auto report = installSqlite(path);
  umask(before);
  EXPECT_EQ(report.done.size(), 1u);
  EXPECT_TRUE(installSqlite(path).done.empty());
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & S_IRWXO, 0u);
  EXPECT_EQ(Raw(path).run("PRAGMA journal_mode"), "wal\n");
  EXPECT_EQ(Raw(path).run("PRAGMA user_version"), "5\n");
}

TEST_F(SqliteFile, BecomesAQueueWhenItIsEmpty) {
  std::ofstream(path).close();
  EXPECT_EQ(openSqlite(path)->depth(1).unsent, 0u);
}

TEST_F(SqliteFile, IsNotMadeForAProgramThatOnlyUsesOne) {
  const auto use = [&] { openSqlite(path, IfNoQueue::refuse)->depth(1); };
  std::string what;
  EXPECT_EQ(refusal(use, &what), QueueError::Kind::notInstalled);
  EXPECT_NE(what.find("there is no such file"), std::string::npos) << what;
  EXPECT_FALSE(fs::exists(path));
  EXPECT_FALSE(wasUsedSqlite(path));
  std::ofstream(path).close();
  EXPECT_EQ(refusal(use, &what), QueueError::Kind::notInstalled);
  EXPECT_NE(what.find("the file is empty"), std::string::npos) << what;
  EXPECT_EQ(fs::file_size(path), 0u);
  fs::remove(path);
  enlisted();
  use();
  EXPECT_TRUE(wasUsedSqlite(path));
}

TEST_F(SqliteFile, IsFoundDamagedAlthoughACountWorks) {
  EXPECT_EQ(damageOfSqlite(path, 10s), "") << "a missing file is another fault";
  {
    auto queue = openSqlite(path);
    std::vector<NewMessage> messages;
    for (int n = 0; n < 500; ++n)
      messages.push_back({std::nullopt, std::to_string(n), std::string(140, 'x'), 1});
    queue->insert(messages);
  }
  EXPECT_EQ(damageOfSqlite(path, 10s), "");
  const auto size = fs::file_size(path);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  // Beyond the schema, which has to be readable.
  for (std::uint64_t at = 40 * 4096; at < size; at += 4096) {
    file.seekp(static_cast<std::streamoff>(at + 100));
    file << std::string(300, '\xff');
  }
  file.close();
  const auto damage = damageOfSqlite(path, 10s);
  EXPECT_NE(damage.find("the file is damaged"), std::string::npos) << damage;
}

TEST_F(SqliteFile, IsRefusedAndLeftAloneWhenItIsNoDatabase) {
  std::ofstream(path) << std::string(5000, 'x');
  std::string what;
  EXPECT_EQ(refusal([&] { enlisted(); }, &what), QueueError::Kind::notInstalled);
  EXPECT_NE(what.find("not an SQLite database"), std::string::npos) << what;
  EXPECT_EQ(content(), std::string(5000, 'x'));
}

TEST_F(SqliteFile, IsRefusedAndLeftAloneWhenItIsTheDatabaseOfSomethingElse) {
  Raw(path).run("CREATE TABLE bookmarks (url TEXT)");
  const std::string before = content();
  std::string what;
  EXPECT_EQ(refusal([&] { enlisted(); }, &what), QueueError::Kind::notInstalled);
  EXPECT_NE(what.find("database of another program"), std::string::npos) << what;
  EXPECT_EQ(content(), before);
}

TEST_F(SqliteFile, IsRefusedWhenANewerSmsdMadeIt) {
  installSqlite(path);
  Raw(path).run("PRAGMA user_version = 6");
  std::string what;
  EXPECT_EQ(refusal([&] { enlisted(); }, &what), QueueError::Kind::notInstalled);
  EXPECT_NE(what.find("has version 6, this smsd supports version 5"), std::string::npos) << what;
}

TEST_F(SqliteFile, NamesTheFolderThatIsNotThere) {
  path = (folder / "none" / "queue.db").string();
  std::string what;
  EXPECT_EQ(refusal([&] { enlisted(); }, &what), QueueError::Kind::failed);
  EXPECT_NE(what.find("none does not exist"), std::string::npos) << what;
}

TEST_F(SqliteFile, SaysWhatToLookAtWhenThisUserMayNot) {
  constexpr uid_t nobody = 65534;
  fs::permissions(folder, fs::perms::none);
  const uid_t before = geteuid();
  if (before == 0) {
    ASSERT_EQ(seteuid(nobody), 0);
  }
  std::string what;
  const auto kind = refusal([&] { enlisted(); }, &what);
  ASSERT_EQ(seteuid(before), 0);
  fs::permissions(folder, fs::perms::owner_all);
  EXPECT_EQ(kind, QueueError::Kind::denied);
  EXPECT_NE(what.find("Permission denied: check the owner and mode"), std::string::npos) << what;
}

TEST_F(SqliteFile, SaysThatItIsDamaged) {
  {
    auto queue = enlisted();
    for (int i = 0; i < 50; ++i) queue->insert({{std::nullopt, std::to_string(i), std::string(140, 'x'), 1}});
  }
  const auto size = fs::file_size(path);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096);
  file << std::string(size - 4096, '\xff') << std::flush;
  std::string what;
  EXPECT_EQ(refusal([&] { claim(*enlisted()); }, &what), QueueError::Kind::failed);
  EXPECT_NE(what.find("damaged"), std::string::npos) << what;
  EXPECT_EQ(what.find('\n'), std::string::npos);
}

TEST_F(SqliteFile, TakesTheSameCallAgainWhenItCouldNotGrow) {
  auto queue = enlisted();
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto onSignal = signal(SIGXFSZ, SIG_IGN);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
  const auto kind = refusal([&] { queue->insert({{std::nullopt, "1", "x", 1}}); });
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, onSignal);
  EXPECT_EQ(kind, QueueError::Kind::unreachable);
  EXPECT_EQ(queue->insert({{std::nullopt, "1", "x", 1}}).size(), 1u);
  EXPECT_EQ(claim(*queue).size(), 1u) << "still enlisted";
}

// C46: nothing kept two of NAV's daemons from one table.
TEST_F(SqliteFile, HasOneSupervisorAndASecondIsToldWhoThatIs) {
  auto first = enlisted();
  auto second = openSqlite(path);
  std::string what;
  EXPECT_EQ(refusal([&] { second->enlist("there", longLease); }, &what), QueueError::Kind::busy);
  EXPECT_NE(what.find("(pid " + std::to_string(getpid()) + ")"), std::string::npos) << what;
  EXPECT_EQ(refusal([&] { claim(*second); }), QueueError::Kind::fenced);
  first->renew();
  first->retire();
  second->enlist("there", longLease);
  EXPECT_EQ(refusal([&] { first->renew(); }), QueueError::Kind::fenced);
}

TEST_F(SqliteFile, EmptiesNoFileThatHasTheNameOfItsLock) {
  const std::string lock = path + ".lock";
  for (const char* content :
       {"a thesis", "4711 is not all there is", "1234567890123456789012345678901234567890"}) {
    std::ofstream(lock, std::ios::trunc) << content;
    EXPECT_THROW(lockOwner(path), QueueError);
    std::ifstream in(lock);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), content);
  }
  fs::rename(lock, path + ".other");
  fs::create_symlink(path + ".other", lock);
  EXPECT_THROW(lockOwner(path), QueueError);
  fs::remove(lock);
  std::ofstream(lock) << "4711\n";
  EXPECT_NO_THROW(lockOwner(path));
}

TEST_F(SqliteFile, IsFreeAsSoonAsItsOwnerWasKilled) {
  installSqlite(path);
  Raw(path).run("INSERT INTO smsq (phone, msg) VALUES ('1', 'x')");
  const pid_t child = fork();
  if (child == 0) {
    auto queue = openSqlite(path);
    queue->enlist("here", longLease);
    claim(*queue);
    raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  auto queue = openSqlite(path);
  queue->enlist("another name", longLease);
  EXPECT_EQ(Raw(path).run("SELECT name FROM smsd_supervisor WHERE alive = 1"), "another name\n");
  EXPECT_TRUE(claim(*queue).empty());
  const auto adopted = queue->takeOver();
  ASSERT_EQ(adopted.size(), 1u);
  EXPECT_EQ(queue->settle({{adopted[0], Fate::sent, "accepted", "", "", std::nullopt}}).sent, 1u);
}

TEST_F(SqliteFile, SettlesNothingOfAnEarlierRunThatWasNotTakenOver) {
  auto queue = enlisted();
  queue->insert({{std::nullopt, "1", "x", 1}});
  const Settlement settlement{claim(*queue).at(0), Fate::sent, "accepted", "", "", std::nullopt};
  queue.reset();
  queue = enlisted();
  EXPECT_EQ(refusal([&] { queue->settle({settlement}); }), QueueError::Kind::fenced);
  EXPECT_EQ(queue->depth(10).unsent, 1u);
  queue->takeOver();
  EXPECT_EQ(queue->settle({settlement}).sent, 1u);
}

TEST_F(SqliteFile, CanBeWrittenAndListedBesideItsSupervisor) {
  auto supervisor = enlisted();
  auto operatorsTool = openSqlite(path);
  operatorsTool->insert({{std::nullopt, "1", "a", 1}, {std::nullopt, "2", "b", 2}});
  const auto claimed = claim(*supervisor);
  ASSERT_EQ(claimed.size(), 2u);
  EXPECT_TRUE(operatorsTool->messages(SentStatus::unsent, 10).at(0).underWay);
  operatorsTool->insert({{std::nullopt, "3", "c", 1}});
  EXPECT_EQ(operatorsTool->cancel(0ms), 1u);
  EXPECT_EQ(supervisor->settle({{claimed[0], Fate::sent, "accepted", "", "", std::nullopt}}).sent, 1u);
}

TEST_F(SqliteFile, KeepsTheReasonOfWhatExpired) {
  auto queue = enlisted();
  Raw(path).run(
      "INSERT INTO smsq (time, phone, msg) VALUES ('2020-01-01 00:00:00', '1', 'x'), ('no time', '2', 'y')");
  EXPECT_EQ(claim(*queue, 1h).size(), 1u) << "a time that is no time is never too old";
  EXPECT_EQ(Raw(path).run("SELECT message, reason FROM smsd_ignored"), "1\nexpired\n");
}

TEST_F(SqliteFile, ForgetsTheRoundsOfWhatWasCancelledWhileItWaited) {
  auto queue = enlisted();
  queue->insert({{std::nullopt, "1", "x", 1}});
  queue->settle({{claim(*queue).at(0), Fate::returned, "deferred", "", "", 0ms}});
  queue->cancel(0ms);
  EXPECT_TRUE(claim(*queue).empty());
  queue->insert({{std::nullopt, "1", "of another day", 1}});
  EXPECT_EQ(claim(*queue).at(0).rounds, 0);
}

TEST_F(SqliteFile, SaysAtTheEndThatARecipientItPassedByIsDueByNow) {
  auto queue = enlisted();
  queue->insert({{std::nullopt, "waits", "x", 1}, {std::nullopt, "a", "x", 2}, {std::nullopt, "b", "x", 3}});
  const auto all = claim(*queue);
  ASSERT_EQ(all.size(), 3u);
  queue->settle({{all[0], Fate::returned, "deferred", "", "", 1h},
                 {all[1], Fate::returned, "deferred", "", "", std::nullopt},
                 {all[2], Fate::returned, "deferred", "", "", std::nullopt}});
  EXPECT_EQ(claimUpTo(*queue, 1).submissions.at(0).recipient, "a");
  Raw(path).run("UPDATE smsd_wait SET due = round((julianday('now') - 2440587.5) * 86400000)");
  const auto rest = claimUpTo(*queue, 10);
  EXPECT_EQ(rest.submissions.at(0).recipient, "b");
  EXPECT_EQ(rest.nextDue, Duration(0));
}

TEST_F(SqliteFile, ReadsTextsThatAreNoUtf8AsTheyAre) {
  auto queue = enlisted();
  Raw(path).run("INSERT INTO smsq (phone, msg) VALUES ('1', CAST(x'61ff00c362' AS TEXT))");
  EXPECT_EQ(claim(*queue).at(0).sms.text, std::string("a\xff\0\xc3"
                                                      "b",
                                                      5));
}

// The cost of a claim must not grow with what was sent before, nor with what is waiting (baselines: a plan
// that depended on statistics cost a factor of 17).
TEST_F(SqliteFile, ReadsTheRoadsRowsByAnIndexInItsOrder) {
  installSqlite(path);
  Raw raw(path);
  for (const std::string_view statement :
       std::initializer_list<std::string_view>{sql::onwardInTime.text(),
                                               sql::onwardInSeverity.text(),
                                               sql::onward.text(),
                                               sql::isHeld,
                                               sql::isLive.text(),
                                               sql::waitOf.text(),
                                               sql::paceOf.text(),
                                               sql::nextRecipient.text(),
                                               sql::firstGradedOf.text(),
                                               sql::firstUngradedOf.text(),
                                               sql::read.text(),
                                               sql::expire.text(),
                                               sql::standing.text(),
                                               sql::markSent,
                                               sql::markIgnored,
                                               sql::hold,
                                               sql::hasUnsent,
                                               sql::forgetDueWaits,
                                               sql::nextDue.text(),
                                               sql::oldestAbove.text(),
                                               sql::oldestOfOthers.text(),
                                               sql::adopt,
                                               sql::end,
                                               sql::decide,
                                               sql::endHold,
                                               sql::countReleased,
                                               sql::markDiscarded,
                                               sql::attemptsOf.text(),
                                               sql::whyIgnored.text()}) {
    const std::string plan = raw.run("EXPLAIN QUERY PLAN " + std::string(statement));
    EXPECT_NE(plan.find("SEARCH"), std::string::npos) << statement << "\n" << plan;
    EXPECT_EQ(plan.find("SCAN"), std::string::npos) << statement << "\n" << plan;
    EXPECT_EQ(plan.find("TEMP B-TREE"), std::string::npos) << statement << "\n" << plan;
  }
  // rows of one time are not read from their first each time
  EXPECT_NE(raw.run("EXPLAIN QUERY PLAN " + std::string(sql::onwardInTime.text())).find("time=? AND id>?"),
            std::string::npos)
      << raw.run("EXPLAIN QUERY PLAN " + std::string(sql::onwardInTime.text()));
}

// Such a table takes as long as the statement itself: for RETURNING, and for an IN of three constants or
// more, also in a CHECK.
TEST_F(SqliteFile, MakesNoTableForAStatementOfAnSms) {
  installSqlite(path);
  Raw raw(path);
  for (const std::string_view statement : std::initializer_list<std::string_view>{
           sql::isHeld, sql::isLive.text(), sql::waitOf.text(), sql::isAnyOld, sql::read.text(), sql::write,
           sql::recordAttempt, sql::nextAttempt, sql::markSent, sql::markIgnored, sql::end, sql::forgetWait,
           sql::hasUnsent}) {
    const std::string program = raw.run("EXPLAIN " + std::string(statement));
    EXPECT_NE(program.find("Transaction"), std::string::npos) << statement << "\n" << program;
    EXPECT_EQ(program.find("OpenEphemeral"), std::string::npos) << statement << "\n" << program;
  }
}

}  // namespace
}  // namespace smsd::queue::sqlite
