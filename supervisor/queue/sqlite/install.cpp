// SPDX-License-Identifier: GPL-3.0-or-later
// See install.h.
#include "supervisor/queue/sqlite/install.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "supervisor/queue/built-in.h"
#include "supervisor/queue/sqlite/queue-file.h"
#include "supervisor/queue/sqlite/queue-path.h"
#include "supervisor/queue/sqlite/schema.h"
#include "supervisor/queue/sqlite/sql-session.h"

namespace smsd::queue::sqlite {
namespace {

using Kind = QueueError::Kind;

bool isEmpty(Session& session) {
  return session.query(sql::countTables).number() == 0 && session.query(sql::userVersion).number() == 0 &&
         session.query(sql::applicationIdOfFile).number() == 0;
}

// Tables, version and application id are written in one transaction.
void install(Session& session) {
  Transaction tx(session);
  if (!isEmpty(session)) return;  // another process was faster
  session.execute(sql::schema);
  session.execute(sql::heartbeatTable);
  session.execute(sql::alertTables);
  session.execute(sql::paceTable);
  session.execute(fmt::format(sql::setUserVersion, sql::schemaVersion).c_str());
  session.execute(fmt::format(sql::setApplicationId, sql::applicationId).c_str());
  tx.commit();
}

bool isOlder(Session& session) {
  const auto version = session.query(sql::userVersion).number();
  return session.query(sql::applicationIdOfFile).number() == sql::applicationId && version >= 1 &&
         version < sql::schemaVersion;
}

constexpr int mostCopies = 10;

/// Returns the name itself, then with .1, .2 and so on.
std::string numbered(const std::string& name, int n) { return n == 0 ? name : fmt::format("{}.{}", name, n); }

[[noreturn]] void refuseCopy(Session& session, const std::string& name, int reason) {
  const bool taken = reason == EEXIST;
  throw QueueError(
      Kind::failed,
      fmt::format(
          "{}: the queue has an older version, and no copy of it can be kept as {} ({}): {}", session.path(),
          name, taken ? "that name and those with .1, .2 ... are taken" : std::strerror(reason),
          taken ? "move those files away" : "free space, or allow this user to write to that folder"));
}

/// A file that is removed unless it was kept.
struct Unfinished {
  std::string name;
  OwnedFd file;
  ~Unfinished() {
    if (file.get() >= 0) unlink(name.c_str());
  }
};

/// Creates a file of a new name, because a file of an old name may belong to another program.
Unfinished createUnfinished(Session& session, const std::string& copy, mode_t mode) {
  for (int n = 0;; ++n) {
    std::string name = numbered(copy + ".unfinished", n);
    OwnedFd file(open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (file.get() >= 0) return {std::move(name), std::move(file)};
    if (errno != EEXIST || n == mostCopies) refuseCopy(session, name, errno);
  }
}

/// Writes the copy under another name first, so that a file with the final name is complete. Replaces no
/// file: if a copy of that name exists, the new one gets a number. The copy has the queue's owner and at most
/// its permissions. Returns its name.
std::string keepCopy(Session& session) {
  const std::string copy =
      fmt::format("{}.version-{}", session.path(), session.query(sql::userVersion).number());
  struct stat of {};
  if (stat(session.path().c_str(), &of) != 0) refuseCopy(session, copy, errno);
  const Unfinished unfinished = createUnfinished(session, copy, of.st_mode & 0660);
  // root may run this for smsd's user; for another user the copy keeps that user as its owner
  if (fchown(unfinished.file.get(), of.st_uid, of.st_gid) != 0) errno = 0;
  session.query(sql::copyTo).bind(unfinished.name).run();
  if (fsync(unfinished.file.get()) != 0) refuseCopy(session, copy, errno);
  for (int n = 0;; ++n) {
    std::string name = numbered(copy, n);
    if (link(unfinished.name.c_str(), name.c_str()) == 0) return name;
    if (errno != EEXIST || n == mostCopies) refuseCopy(session, copy, errno);
  }
}

/// The process that first opens an older file migrates it, unless an smsd uses the file: that smsd knows only
/// the older tables. The copy allows a return to the older smsd.
void migrate(Session& session, LockedBy lock) {
  if (!isOlder(session)) return;
  const OwnedFd alone = lock == LockedBy::thisProcess ? OwnedFd() : lockOwner(session.path());
  if (!isOlder(session)) return;  // another process was faster
  const std::string copy = keepCopy(session);
  try {
    Transaction tx(session);
    const auto version = session.query(sql::userVersion).number();
    if (version <= 1) session.execute(sql::from1To2);
    if (version <= 2) session.execute(sql::from2To3);
    if (version <= 3) {
      session.execute(sql::from3To4);
      session.execute(sql::heartbeatTable);
    }
    session.execute(sql::from4To5);
    session.execute(sql::alertTables);
    session.execute(sql::paceTable);
    session.execute(fmt::format(sql::setUserVersion, sql::schemaVersion).c_str());
    tx.commit();
  } catch (const QueueError&) {
    unlink(copy.c_str());  // the file is as it was, and each further try would leave another copy
    throw;
  }
}

void refuseOthers(Session& session) {
  if (session.query(sql::applicationIdOfFile).number() != sql::applicationId)
    throw QueueError(
        Kind::notInstalled,
        fmt::format("{}: is the database of another program, not a queue: set queue.sqlite.path to "
                    "a file of its own",
                    session.path()));
  const auto version = session.query(sql::userVersion).number();
  if (version != sql::schemaVersion)
    throw QueueError(
        Kind::notInstalled,
        fmt::format(
            "{}: the queue has version {}, this smsd supports version {}: install the smsd that created it",
            session.path(), version, sql::schemaVersion));
}

void setUp(Session& session) {
  session.execute(sql::settings);
  auto mode = session.query(sql::journalMode);
  mode.next();
  const std::string found = mode.text(sql::JournalMode::journalMode);
  if (found != "wal")
    throw QueueError(
        Kind::failed,
        fmt::format("{}: its file system cannot hold a write-ahead log (journal mode {}): put the "
                    "queue on a local disk",
                    session.path(), found));
}

}  // namespace

void requireQueue(const std::string& path) {
  struct stat status {};
  const auto refuse = [&path](const std::string& what) {
    throw QueueError(
        Kind::notInstalled,
        fmt::format("{}: {}: put the queue back if it was there; otherwise `smsctl db install` or the next "
                    "start of smsd makes an empty one",
                    path, what));
  };
  if (stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) refuse("there is no such file");
    return;  // opening it gives the reason
  }
  if (S_ISREG(status.st_mode) && status.st_size == 0 && access((path + "-wal").c_str(), F_OK) != 0)
    refuse("the file is empty, and no queue");
}

OpenedFile openQueueFile(const std::string& path, Session::IfMissing missing, LockedBy lock) {
  if (missing == Session::IfMissing::make) refuseSecondName(path);
  OpenedFile opened{std::make_unique<Session>(path, missing), FileState::ready};
  Session& session = *opened.session;
  if (isEmpty(session)) {
    setUp(session);
    install(session);
    opened.state = FileState::fresh;
  }
  migrate(session, lock);
  refuseOthers(session);
  setUp(session);
  session.execute(sql::indexes);
  return opened;
}

}  // namespace smsd::queue::sqlite

namespace smsd::queue {

InstallReport installSqlite(const std::string& path) {
  InstallReport report;
  if (sqlite::openQueueFile(path).state == sqlite::FileState::fresh)
    report.done.push_back(fmt::format("the queue {} with its tables and indexes", path));
  return report;
}

}  // namespace smsd::queue
