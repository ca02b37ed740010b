// SPDX-License-Identifier: GPL-3.0-or-later
// The connection to a queue in a file: how it is made, how it notices that the file was replaced, and how it
// gets room on a full disk. Also the notification of other processes' writes. See queue.h.
#include <fmt/format.h>
#include <unistd.h>

#include "supervisor/queue/built-in.h"
#include "supervisor/queue/sqlite/queue.h"
#include "supervisor/queue/sqlite/sql-session.h"

namespace smsd::queue::sqlite {
namespace {

using namespace std::chrono_literals;
using Kind = QueueError::Kind;

constexpr std::size_t keyDigits = 12;

}  // namespace

std::string keyPrefixOf(Session& session) {
  auto row = session.query(sql::uuid);
  row.next();
  return row.text(sql::Uuid::uuid).substr(0, keyDigits);
}

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
  if (none_ == IfNoQueue::refuse) requireQueue(path_);
  auto session = openQueueFile(path_, file_ ? Session::IfMissing::refuse : Session::IfMissing::make,
                               ownership_.get() >= 0 ? LockedBy::thisProcess : LockedBy::another)
                     .session;
  Session& opened = *session;
  if (reserve_) {
    const auto bytes = static_cast<std::int64_t>(reserve_->bound());
    opened.execute(fmt::format(sql::boundLog, bytes / opened.query(sql::pageSize).number(), bytes).c_str());
  }
  if (!file_) file_.emplace({path_, configured_});
  connection_ =
      std::make_unique<Connection>(Connection{std::move(session), keyPrefixOf(opened), CommitWatch(opened)});
  log_.emplace({path_ + "-wal", path_ + "-shm"});
}

/// In another place, the file has a log, a lock and a reserve of its own.
void SqliteQueue::followLinks() {
  std::string now = resolved(configured_);
  if (now == path_) return;
  path_ = std::move(now);
  log_.reset();
  ownership_ = OwnedFd();
  if (reserve_) reserve_.emplace(path_);
}

void SqliteQueue::openReplacedFile() {
  connection_.reset();
  me_ = 0;
  newKeys_ = true;
  followLinks();
  if (access(path_.c_str(), F_OK) != 0 && errno == ENOENT)
    throw QueueError(
        Kind::failed,
        fmt::format("{}: the file was removed while smsd used it, and smsd creates no new file: put a "
                    "file there, or restart smsd to begin with an empty queue",
                    path_));
  refuseSecondName(path_);
  if (file_->change() && log_ && log_->anyIsThere())
    separateFromOldLog(path_, logIsNews_ ? OldLog::keepIfSound : OldLog::remove);
  file_.emplace({path_, configured_});
  connect();
  replaced_.clear();
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
  const std::string problem = reserve_->problem();
  if (!tight_) return problem;
  return fmt::format("{}: the disk is full: free space on its file system; {}", path_,
                     problem.empty() ? "smsd continues in the space that it had reserved" : problem);
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

std::unique_ptr<Queue> openSqlite(const std::string& path, IfNoQueue none) {
  return std::make_unique<sqlite::SqliteQueue>(path, none);
}

}  // namespace smsd::queue
