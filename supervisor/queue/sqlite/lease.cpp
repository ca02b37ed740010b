// SPDX-License-Identifier: GPL-3.0-or-later
// Life cycle of a supervisor on a queue in a file. See queue.h.
//
// Only one process at a time may be the file's supervisor. A lock of the kernel ensures this, not a lease.
// The process that holds the lock knows that all earlier runs are dead, and takes their submissions over.
#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "supervisor/queue/host-name.h"
#include "supervisor/queue/ranges.h"
#include "supervisor/queue/rows.h"
#include "supervisor/queue/sqlite/queue.h"
#include "supervisor/queue/sqlite/schema.h"
#include "supervisor/queue/sqlite/sql-lease.h"
#include "supervisor/queue/sqlite/sql-pace.h"
#include "supervisor/queue/sqlite/sql-session.h"
#include "supervisor/queue/sqlite/values.h"

namespace smsd::queue::sqlite {
namespace {

using Kind = QueueError::Kind;

}  // namespace

/// A file of an older version is migrated when it is opened, and no other program uses it meanwhile.
SchemaVersions SqliteQueue::schema() const {
  return {sql::schemaVersion, sql::schemaVersion, sql::schemaVersion};
}

Now SqliteQueue::clock(Session& session) {
  auto row = session.query(sql::clock);
  row.next();
  Now now{row.integer(sql::Clock::ms), row.text(sql::Clock::text)};
  clock_.see(Duration(now.ms), sinceBoot());
  return now;
}

void SqliteQueue::passFence(Session& session) const {
  if (!session.query(sql::fence).bind(me_).next())
    throw QueueError(Kind::fenced, fmt::format("{}: this supervisor is no longer registered", path_));
}

SupervisorId SqliteQueue::enlist(const std::string& name, Duration lease) {
  if (!reserve_) reserve_.emplace(path_);
  if (!replaced_.empty()) openReplacedFile();
  return on([&](Session& session) {
    own();
    Transaction tx(session);
    if (newKeys_) session.query(sql::beginNewKeys).bind(static_cast<std::int64_t>(lastAttempt_)).run();
    lastAttempt_ = static_cast<AttemptId>(session.query(sql::lastAttempt).number());
    const Now now = clock(session);
    session.query(sql::endEarlierRuns).run();
    session.query(sql::forgetOldPaces).bind(now.ms).run();
    const SupervisorId id = session.query(sql::enlist)
                                .bind(name, hostName(), std::int64_t{getpid()}, now.text,
                                      std::int64_t{lease.count()}, std::int64_t{now.ms + lease.count()})
                                .number();
    tx.commit();
    if (std::exchange(newKeys_, false)) connection_->keyPrefix = keyPrefixOf(session);
    reserve_->make(Reserve::Disk::roomy);
    me_ = id;
    onward_ = SweepPlace{};
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
      const auto idsOf = [&](const std::string& list) { return readIds(session, list); };
      auto row = session.query(sql::orphans);
      const std::int64_t now = clock(session).ms;
      for (row.bind(me_); row.next();) {
        adopted.push_back(liveSubmission(row, connection_->keyPrefix, idsOf));
        if (const auto since = row.optionalInteger(sql::Orphans::since))
          adopted.back().failing = elapsed(now - *since);
      }
    }
    for (const Submission& submission : adopted) session.query(sql::adopt).bind(me_, submission.id).run();
    tx.commit();
    return adopted;
  });
}

void SqliteQueue::retire() {
  on([&](Session& session) { session.query(sql::retire).bind(me_).run(); });
  ownership_ = OwnedFd();
}

}  // namespace smsd::queue::sqlite
