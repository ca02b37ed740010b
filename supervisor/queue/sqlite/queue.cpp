// SPDX-License-Identifier: GPL-3.0-or-later
// Life cycle of a supervisor on a queue in a file, and notification of other processes' writes. See
// queue.h.
//
// Only one process at a time may be the file's supervisor. A lock of the kernel ensures this, not a lease.
// The process that holds the lock knows that all earlier runs are dead, and takes their submissions over.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "supervisor/queue/idempotency-key.h"
#include "supervisor/queue/sqlite/queue.h"
#include "supervisor/queue/sqlite/sql.h"

namespace smsd::queue::sqlite {
namespace {

using namespace std::chrono_literals;
using Kind = QueueError::Kind;

constexpr std::size_t keyDigits = 12;

std::string hostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::string prefixOf(Session& session) {
  auto row = session.query(sql::uuid);
  row.next();
  return row.text(0).substr(0, keyDigits);
}

std::vector<format::MessageId> readIds(Session& session, const std::string& list) {
  std::vector<format::MessageId> ids;
  auto row = session.query(sql::listOfIds);
  for (row.bind(list); row.next();) ids.push_back(row.integer(0));
  return ids;
}

}  // namespace

SqliteQueue::Connection& SqliteQueue::connection() {
  if (replaced_.empty()) noticeChange();
  if (!replaced_.empty()) throw QueueError(Kind::replaced, replaced_);
  if (!connection_) connect();
  return *connection_;
}

/// Until the old log is removed, other processes use it with the new file, as this one does. So our
/// connection sees their writes since our last look.
void SqliteQueue::noticeChange() {
  replaced_ = change().value_or("");
  logIsNews_ = false;
  if (replaced_.empty() || !connection_) return;
  try {
    logIsNews_ = connection_->news.take();
  } catch (const QueueError&) {
    // unknown: the new file is used without the log
  }
}

std::optional<std::string> SqliteQueue::change() const {
  auto change = file_ ? file_->change() : std::nullopt;
  if (!change && connection_) change = log_->change();
  return change;
}

void SqliteQueue::connect() {
  auto session = openQueueFile(path_, file_ ? Session::IfMissing::refuse : Session::IfMissing::make,
                               ownership_.get() >= 0 ? LockedBy::thisProcess : LockedBy::another)
                     .session;
  Session& opened = *session;
  if (reserve_) {
    const auto bytes = static_cast<std::int64_t>(reserve_->bound());
    opened.execute(fmt::format(sql::boundLog, bytes / opened.query(sql::pageSize).number(), bytes).c_str());
  }
  if (!file_) file_.emplace({path_});
  connection_ =
      std::make_unique<Connection>(Connection{std::move(session), prefixOf(opened), CommitWatch(opened)});
  log_.emplace({path_ + "-wal", path_ + "-shm"});
}

void SqliteQueue::startOver() {
  connection_.reset();
  me_ = 0;
  newKeys_ = true;
  if (access(path_.c_str(), F_OK) != 0 && errno == ENOENT)
    throw QueueError(
        Kind::failed,
        fmt::format("{}: the file was removed while smsd used it, and no new one is made: put one "
                    "there, or restart smsd to begin with an empty queue",
                    path_));
  if (file_->change() && log_ && log_->anyIsThere())
    separateFromOldLog(path_, logIsNews_ ? OldLog::keepIfSound : OldLog::remove);
  file_.emplace({path_});
  connect();
  replaced_.clear();
}

SqliteQueue::Now SqliteQueue::clock(Session& session) {
  auto row = session.query(sql::clock);
  row.next();
  clock_.see(Duration(row.integer(0)), sinceBoot());
  return {row.integer(0), row.text(1)};
}

void SqliteQueue::passFence(Session& session) const {
  if (!session.query(sql::isAlive).bind(me_).next())
    throw QueueError(Kind::fenced, fmt::format("{}: this supervisor is not enlisted any more", path_));
}

/// Frees space in small steps, until it is enough to empty the log: an empty log is as good as a reserve.
bool SqliteQueue::makeRoom(int before) {
  if (!reserve_) return false;
  tight_ = true;
  if (before > 0 && !reserve_->giveUpSome()) return false;
  do {
    try {
      if (connection().session->checkpoint(1s) && reserve_->worthATry()) return true;
    } catch (const QueueError&) {
      connection_.reset();
    }
  } while (reserve_->giveUpSome());
  return before == 0 && reserve_->worthATry();
}

void SqliteQueue::keepRoom() noexcept {
  if (!reserve_) return;  // smsctl has no reserve, but may find the disk full, too
  if (connection_) connection_->session->checkpoint(0s);
  reserve_->make(Reserve::Disk::tight);
}

std::string SqliteQueue::strained() {
  if (!reserve_) return "";
  if (reserve_->isRoomy()) {
    tight_ = false;
    reserve_->make(Reserve::Disk::roomy);
  } else if (!reserve_->worthATry()) {
    tight_ = true;  // other programs have no room for inserts, although smsd had enough for itself
  }
  if (!tight_) return "";
  return fmt::format(
      "{}: the disk is full: make room on its file system; smsd works on in the room it had reserved", path_);
}

SupervisorId SqliteQueue::enlist(const std::string& name, Duration lease) {
  if (!reserve_) reserve_.emplace(path_);
  if (!replaced_.empty()) startOver();
  return on([&](Session& session) {
    own();
    Transaction tx(session);
    if (newKeys_) session.query(sql::beginNewKeys).bind(static_cast<std::int64_t>(lastAttempt_)).run();
    lastAttempt_ = static_cast<AttemptId>(session.query(sql::lastAttempt).number());
    const Now now = clock(session);
    session.query(sql::endAllRuns).run();
    const SupervisorId id = session.query(sql::enlist)
                                .bind(name, hostName(), std::int64_t{getpid()}, now.text,
                                      std::int64_t{lease.count()}, std::int64_t{now.ms + lease.count()})
                                .number();
    tx.commit();
    if (std::exchange(newKeys_, false)) connection_->keyPrefix = prefixOf(session);
    reserve_->make(Reserve::Disk::roomy);
    me_ = id;
    onward_ = Place{};
    return id;
  });
}

/// Locks again if the lock file was replaced, because another smsd could lock the new one.
void SqliteQueue::own() {
  if (ownership_.get() >= 0 && !ownershipFile_->change()) return;
  ownership_ = lockOwner(path_);
  ownershipFile_.emplace({path_ + ".lock"});
}

void SqliteQueue::renew() {
  on([&](Session& session) {
    Transaction tx(session);
    passFence(session);
    session.query(sql::renew).bind(clock(session).ms, me_).run();
    tx.commit();
  });
}

std::vector<Submission> SqliteQueue::takeOver() {
  return on([&](Session& session) {
    Transaction tx(session);
    passFence(session);
    std::vector<Submission> adopted;
    {
      auto row = session.query(sql::orphans);
      const std::int64_t now = clock(session).ms;
      for (row.bind(me_); row.next();) {
        adopted.push_back(readOrphan(session, row));
        if (const auto since = row.optionalInteger(13))
          adopted.back().failing = Duration(std::max<std::int64_t>(0, now - *since));
      }
    }
    for (const Submission& submission : adopted) session.query(sql::adopt).bind(me_, submission.id).run();
    tx.commit();
    return adopted;
  });
}

Submission SqliteQueue::readOrphan(Session& session, const Query& row) {
  Submission submission;
  submission.id = row.integer(0);
  submission.attempt = static_cast<AttemptId>(row.integer(1));
  submission.dispatcher = row.text(2);
  submission.recipient = row.text(3);
  submission.sms.text = row.text(4);
  submission.sms.encoding = row.text(5) == "ucs2" ? format::Encoding::ucs2 : format::Encoding::gsm7;
  submission.sms.units = static_cast<std::size_t>(row.integer(6));
  submission.sms.parts = static_cast<std::size_t>(row.integer(7));
  submission.sms.sent = readIds(session, row.text(8));
  submission.sms.ignored = readIds(session, row.text(9));
  submission.severity = row.optionalInt(10);
  submission.first = row.integer(11);
  submission.rounds = static_cast<int>(row.integer(12));
  if (!row.isNull(14)) submission.stamps = readIds(session, row.text(14));
  submission.key = idempotencyKey(connection_->keyPrefix, submission.id, submission.stamps);
  submission.notUnderstood = static_cast<int>(row.integer(15));
  return submission;
}

void SqliteQueue::retire() {
  on([&](Session& session) { session.query(sql::retire).bind(me_).run(); });
  ownership_ = OwnedFd();
}

int SqliteQueue::newsFd() {
  return on([&](Session&) { return connection_->news.fd(); });
}

bool SqliteQueue::takeNews() {
  return on([&](Session&) { return connection_->news.take(); });
}

std::optional<Ring> SqliteQueue::ringBell() {
  Ring ring;
  on([&](Session&) {
    ring.ifUnheard = connection_->news.whyDeaf();
    commitNothing(path_);
  });
  return ring;
}

}  // namespace smsd::queue::sqlite

namespace smsd::queue {

std::unique_ptr<Queue> openSqlite(const std::string& path) {
  return std::make_unique<sqlite::SqliteQueue>(path);
}

InstallReport installSqlite(const std::string& path) {
  InstallReport report;
  if (sqlite::openQueueFile(path).state == sqlite::FileState::fresh)
    report.done.push_back(fmt::format("the queue {} with its tables and indexes", path));
  return report;
}

}  // namespace smsd::queue
