// SPDX-License-Identifier: GPL-3.0-or-later
// Life cycle of a supervisor of the PostgreSQL backend. See queue.h.
//
// Owns the order of the steps of an enlistment and of a take-over. Called through queue.h. Fails as described
// there.
#include <unistd.h>

#include <algorithm>

#include "supervisor/queue/host-name.h"
#include "supervisor/queue/postgresql/queue.h"
#include "supervisor/queue/postgresql/schema.h"
#include "supervisor/queue/postgresql/sql-others.h"
#include "supervisor/queue/postgresql/sql-pace.h"
#include "supervisor/queue/postgresql/values.h"
#include "supervisor/queue/rows.h"
#include "version.h"

namespace smsd::queue::postgresql {

namespace {

using Kind = QueueError::Kind;

/// Fails at the start instead of at the first alert.
InstalledSchema checkInstalled(Transaction& tx) {
  const auto found = installedSchema(tx);
  if (auto why = unusable(found, {schema::oldestUsable, schema::version}); !why.empty())
    throw QueueError(Kind::notInstalled, why);
  const auto missing = tx.once(sql::missingPrivileges).front();
  if (!missing.isNull(sql::MissingPrivileges::names))
    throw QueueError(Kind::denied, "no privilege for " + missing.text(sql::MissingPrivileges::names) +
                                       ": run the GRANTs that `smsctl db install` prints");
  return found;
}

/// Records in the supervisor's own row what its program knows, where the schema has columns for it.
void introduce(Transaction& tx, SupervisorId me, int installed) {
  if (installed > schema::withoutKnowledge) tx.once(sql::introduce, me, schema::version, SMSD_VERSION);
}

QueueError fencedOff(SupervisorId me) {
  return {Kind::fenced,
          "supervisor " + std::to_string(me) + " was declared dead: its SMS belong to another supervisor"};
}

}  // namespace

InstalledSchema installedSchema(Transaction& tx) {
  using Column = sql::Installed;
  const auto rows = tx.once(sql::installed);
  if (rows.size() != 1)
    throw QueueError(Kind::notInstalled,
                     "smsd.installation is empty: drop the schema smsd, and run `smsctl db install` again");
  const auto row = rows.front();
  return {static_cast<int>(row.integer(Column::version)), static_cast<int>(row.integer(Column::oldest)),
          row.text(Column::keyPrefix)};
}

std::vector<LiveSupervisor> liveSupervisors(Transaction& tx, InstalledSchema installed) {
  using Column = sql::LiveSupervisors;
  std::vector<LiveSupervisor> live;
  for (const auto& row : tx.once(sql::liveSupervisors, installed.version))
    live.push_back({row.text(Column::name), row.text(Column::host),
                    static_cast<int>(row.integer(Column::pid)), row.text(Column::program),
                    static_cast<int>(row.integer(Column::knows))});
  return live;
}

void passFence(Transaction& tx, SupervisorId me, ClockWatch& clock) {
  if (const auto rows = tx.run(sql::fence, me); !rows.empty())
    return clock.see(Duration(rows.front().integer(sql::Fence::now)), sinceBoot());
  throw fencedOff(me);
}

SupervisorId PostgresqlQueue::enlist(const std::string& name, Duration lease) {
  InstalledSchema found;
  format::MessageId newest = 0;
  auto me = session_.transact([&](Transaction& tx) {
    found = checkInstalled(tx);
    tx.once(sql::forgetOldWaits);
    if (found.version > schema::withoutPacing) tx.once(sql::forgetOldPaces);
    newest = tx.numberOnce(sql::newestMessage);
    tx.once(sql::endEarlierRuns, storable(name));
    const SupervisorId id = tx.numberOnce(sql::enlist, storable(name), storable(hostName()),
                                          static_cast<int>(getpid()), boundedMilliseconds(lease));
    introduce(tx, id, found.version);
    return id;
  });
  me_ = me;
  keyPrefix_ = found.keyPrefix;
  schema_ = {.installed = found.version, .known = schema::version, .used = schema::oldestUsable};
  onward_ = SweepPlace{};
  live_.clear();
  others_.begin(newest);
  claimInDoubt_ = takeOverInDoubt_ = false;
  return me_;
}

Installation PostgresqlQueue::installation() {
  return session_.transact([&](Transaction& tx) {
    const auto found = installedSchema(tx);
    Installation result{{found.version, schema::version, std::min(found.version, schema::version)},
                        liveSupervisors(tx, found)};
    for (const auto& one : result.supervisors) result.schema.used = std::min(result.schema.used, one.knows);
    result.condition = conditionOf(tx, session_);
    result.paces = result.schema.used > schema::withoutPacing;
    return result;
  });
}

void PostgresqlQueue::renew() {
  session_.transact([&](Transaction& tx) {
    if (tx.run(sql::renew, me_) == 0) passFence(tx, me_, clock_);
  });
}

std::vector<Submission> PostgresqlQueue::takeOver() {
  const bool recover = takeOverInDoubt_;
  takeOverInDoubt_ = true;
  auto adopted = session_.transact([&](Transaction& tx) {
    std::vector<Submission> submissions;
    if (recover) submissions = unaccounted(tx);
    const auto leases = tx.run(sql::leases);
    seeSchema(tx, leases);
    if (!gone(leases).empty()) {
      auto more = adopt(tx);
      std::move(more.begin(), more.end(), std::back_inserter(submissions));
    }
    return submissions;
  });
  if (recover) claimInDoubt_ = false;  // unaccounted() has returned those of the claim as well
  takeOverInDoubt_ = false;
  remember(adopted);
  return adopted;
}

/// Determines which version of the schema every live supervisor knows. The schema may have been upgraded
/// since the last look.
void PostgresqlQueue::seeSchema(Transaction& tx, const Rows<sql::Leases>& rows) {
  using Column = sql::Leases;
  SchemaVersions seen{.installed = 0, .known = schema::version, .used = schema::version};
  bool introduced = false;
  for (const auto& row : rows) {
    const int knows = static_cast<int>(row.integer(Column::knows));
    seen.installed = static_cast<int>(row.integer(Column::schema));
    if (row.integer(Column::id) == me_)
      introduced = knows == schema::version;
    else if (!row.flag(Column::dead))
      seen.used = std::min(seen.used, knows);
  }
  if (!introduced) introduce(tx, me_, seen.installed);
  seen.used = std::min(seen.used, seen.installed);
  schema_ = seen;
}

/// Returns the supervisors of `rows` that are dead, or whose lease has run out.
std::vector<SupervisorId> PostgresqlQueue::gone(const Rows<sql::Leases>& rows) {
  using Column = sql::Leases;
  std::vector<SupervisorId> gone;
  std::vector<Leases::Lease> leases;
  bool alive = false;
  for (const auto& row : rows) {
    const SupervisorId id = row.integer(Column::id);
    const bool dead = row.flag(Column::dead);
    clock_.see(Duration(row.integer(Column::now)), sinceBoot());
    if (id == me_)
      alive = !dead;
    else if (dead)
      gone.push_back(id);
    else
      leases.push_back({id, row.integer(Column::until), Duration(row.integer(Column::left)),
                        Duration(row.integer(Column::length))});
  }
  if (!alive) throw fencedOff(me_);
  for (SupervisorId id : leases_.ranOut(leases, Leases::Clock::now())) gone.push_back(id);
  return gone;
}

std::vector<Submission> PostgresqlQueue::adopt(Transaction& tx) {
  // Checked again with all rows locked, because a supervisor may have renewed its lease meanwhile.
  const auto rows = tx.once(sql::lockedLeases);
  ArrayLiteral cleared;
  for (const auto& row : tx.once(sql::clear, arrayOf(gone(rows)))) cleared.add(row.integer(sql::Cleared::id));
  return read(tx.once(sql::adopt, me_, cleared.str()));
}

void PostgresqlQueue::retire() {
  session_.transact([&](Transaction& tx) { tx.once(sql::retire, me_); });
}

/// Returns the submissions that are ours in the database, but not in memory.
std::vector<Submission> PostgresqlQueue::unaccounted(Transaction& tx) {
  auto submissions = read(tx.once(sql::liveOf, me_));
  std::erase_if(submissions, [&](const Submission& submission) {
    auto live = live_.find(submission.recipient);
    return live != live_.end() && live->second.submission == submission.id;
  });
  return submissions;
}

std::vector<Submission> PostgresqlQueue::read(const Rows<sql::Adopted>& rows) const {
  std::vector<Submission> submissions;
  submissions.reserve(rows.size());
  for (const auto& row : rows) {
    submissions.push_back(liveSubmission(row, keyPrefix_, idsOf));
    submissions.back().failing = elapsed(row.optionalInteger(sql::Adopted::failing));
  }
  return submissions;
}

}  // namespace smsd::queue::postgresql
