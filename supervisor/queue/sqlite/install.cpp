// SPDX-License-Identifier: GPL-3.0-or-later
// See install.h.
#include "supervisor/queue/sqlite/install.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

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
  session.execute(fmt::format(sql::setUserVersion, sql::schemaVersion).c_str());
  session.execute(fmt::format(sql::setApplicationId, sql::applicationId).c_str());
  tx.commit();
}

bool isOlder(Session& session) {
  const auto version = session.query(sql::userVersion).number();
  return session.query(sql::applicationIdOfFile).number() == sql::applicationId && version >= 1 &&
         version < sql::schemaVersion;
}

/// Writes the copy under another name first, so that a file with the final name is complete. The copy has the
/// queue's owner and at most its permissions.
void keepCopy(Session& session) {
  const std::string copy =
      fmt::format("{}.version-{}", session.path(), session.query(sql::userVersion).number());
  const std::string unfinished = copy + ".unfinished";
  const auto refuse = [&](const std::string& name) {
    throw QueueError(Kind::failed,
                     fmt::format("{}: the queue has an older version, and no copy of it can be kept as {} "
                                 "({}): free space, or allow this user to write to that folder",
                                 session.path(), name, std::strerror(errno)));
  };
  struct stat of {};
  if (stat(session.path().c_str(), &of) != 0) refuse(copy);
  if (unlink(unfinished.c_str()) != 0 && errno != ENOENT) refuse(unfinished);
  const OwnedFd file(
      open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, of.st_mode & 0660));
  if (file.get() < 0) refuse(unfinished);
  // root may run this for smsd's user; for another user the copy keeps that user as its owner
  if (fchown(file.get(), of.st_uid, of.st_gid) != 0) errno = 0;
  session.query(sql::copyTo).bind(unfinished).run();
  if (fsync(file.get()) != 0 || rename(unfinished.c_str(), copy.c_str()) != 0) refuse(copy);
}

/// The process that first opens an older file migrates it, unless an smsd uses the file: that smsd knows only
/// the older tables. The copy allows a return to the older smsd.
void migrate(Session& session, LockedBy lock) {
  if (!isOlder(session)) return;
  const OwnedFd alone = lock == LockedBy::thisProcess ? OwnedFd() : lockOwner(session.path());
  if (!isOlder(session)) return;  // another process was faster
  keepCopy(session);
  Transaction tx(session);
  if (session.query(sql::userVersion).number() == 1) session.execute(sql::from1To2);
  session.execute(sql::from2To3);
  session.execute(fmt::format(sql::setUserVersion, sql::schemaVersion).c_str());
  tx.commit();
}

void refuseOthers(Session& session) {
  if (session.query(sql::applicationIdOfFile).number() != sql::applicationId)
    throw QueueError(
        Kind::failed,
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
