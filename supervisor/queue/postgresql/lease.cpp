// SPDX-License-Identifier: GPL-3.0-or-later
// Life cycle of a supervisor of the PostgreSQL backend. See queue.h.
//
// Owns the order of the steps of an enlistment and of a take-over. Called through queue.h. Fails as described
// there.
#include <unistd.h>

#include <algorithm>

#include "supervisor/queue/host-name.h"
#include "supervisor/queue/idempotency-key.h"
#include "supervisor/queue/postgresql/queue.h"
#include "supervisor/queue/postgresql/schema.h"
#include "supervisor/queue/postgresql/sql-lease.h"
#include "supervisor/queue/postgresql/values.h"
#include "supervisor/queue/stored-names.h"

namespace smsd::queue::postgresql {

namespace {

using Kind = QueueError::Kind;

/// Fails at the start instead of at the first alert. Returns the prefix of the idempotency keys.
std::string checkInstalled(pqxx::work& tx) {
  auto rows = tx.exec(sql::installed);
  if (rows.size() != 1)
    throw QueueError(Kind::notInstalled, "smsd.installation is empty: run `smsctl db install`");
  if (int version = rows[0][0].as<int>(); version != schema::version)
    throw QueueError(Kind::notInstalled, "the schema smsd is of version " + std::to_string(version) +
                                             ", this program wants " + std::to_string(schema::version) +
                                             (version < schema::version ? ": run `smsctl db install`"
                                                                        : ": install the newer smsd"));
  if (auto missing = tx.exec1(sql::missingPrivileges)[0]; !missing.is_null())
    throw QueueError(Kind::denied, "no privilege for " + bytesOf(missing) +
                                       ": run the GRANTs that `smsctl db install` prints");
  return bytesOf(rows[0][1]);
}

QueueError fencedOff(SupervisorId me) {
  return {Kind::fenced,
          "supervisor " + std::to_string(me) + " was declared dead: its submissions belong to another one"};
}

}  // namespace

void passFence(Transaction& tx, SupervisorId me, ClockWatch& clock) {
  if (const auto rows = tx.run(sql::fence, me); !rows.empty())
    return clock.see(Duration(rows[0][1].as<std::int64_t>()), sinceBoot());
  throw fencedOff(me);
}

SupervisorId PostgresqlQueue::enlist(const std::string& name, Duration lease) {
  std::string prefix;
  auto me = session_.transact([&](pqxx::work& tx) {
    prefix = checkInstalled(tx);
    tx.exec(sql::forgetOldWaits);
    tx.exec_params(sql::endEarlierRuns, storable(name));
    return tx
        .exec_params1(sql::enlist, storable(name), storable(hostName()), static_cast<int>(getpid()),
                      boundedMilliseconds(lease))[0]
        .as<SupervisorId>();
  });
  me_ = me;
  keyPrefix_ = prefix;
  onward_ = Place{};
  live_.clear();
  claimInDoubt_ = takeOverInDoubt_ = false;
  return me_;
}

void PostgresqlQueue::renew() {
  session_.transact([&](Transaction& tx) {
    if (tx.run(sql::renew, me_).affected_rows() == 0) passFence(tx, me_, clock_);
  });
}

std::vector<Submission> PostgresqlQueue::takeOver() {
  const bool recover = takeOverInDoubt_;
  takeOverInDoubt_ = true;
  auto adopted = session_.transact([&](Transaction& tx) {
    std::vector<Submission> submissions;
    if (recover) submissions = unaccounted(tx);
    if (!gone(tx.run(sql::leases)).empty()) {
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

/// Returns the supervisors of `rows` that are dead, or whose lease has run out.
std::vector<SupervisorId> PostgresqlQueue::gone(const pqxx::result& rows) {
  std::vector<SupervisorId> gone;
  std::vector<Leases::Lease> leases;
  bool alive = false;
  for (const auto& row : rows) {
    const auto id = row[0].as<SupervisorId>();
    clock_.see(Duration(row[5].as<std::int64_t>()), sinceBoot());
    if (id == me_)
      alive = !row[1].as<bool>();
    else if (row[1].as<bool>())
      gone.push_back(id);
    else
      leases.push_back({id, row[2].as<std::int64_t>(), Duration(row[3].as<std::int64_t>()),
                        Duration(row[4].as<std::int64_t>())});
  }
  if (!alive) throw fencedOff(me_);
  for (SupervisorId id : leases_.ranOut(leases, Leases::Clock::now())) gone.push_back(id);
  return gone;
}

std::vector<Submission> PostgresqlQueue::adopt(Transaction& tx) {
  // Checked again with all rows locked, because a supervisor may have renewed its lease meanwhile.
  const auto rows = tx->exec(sql::lockedLeases);
  ArrayLiteral cleared;
  for (const auto& row : tx->exec_params(sql::clear, arrayOf(gone(rows))))
    cleared.add(row[0].as<SupervisorId>());
  return read(tx->exec_params(sql::adopt, me_, cleared.str()));
}

void PostgresqlQueue::retire() {
  session_.transact([&](pqxx::work& tx) { tx.exec_params(sql::retire, me_); });
}

/// Returns the submissions that are ours in the database, but not in memory.
std::vector<Submission> PostgresqlQueue::unaccounted(Transaction& tx) {
  auto submissions = read(tx->exec_params(sql::liveOf, me_));
  std::erase_if(submissions, [&](const Submission& submission) {
    auto live = live_.find(submission.recipient);
    return live != live_.end() && live->second.submission == submission.id;
  });
  return submissions;
}

std::vector<Submission> PostgresqlQueue::read(const pqxx::result& rows) const {
  std::vector<Submission> submissions;
  for (const auto& row : rows) {
    Submission& submission = submissions.emplace_back();
    submission.id = row[0].as<SubmissionId>();
    submission.attempt = row[1].as<AttemptId>();
    submission.dispatcher = bytesOf(row[2]);
    submission.recipient = bytesOf(row[3]);
    submission.sms.text = bytesOf(row[4]);
    submission.sms.encoding = encodingOf(bytesOf(row[5]));
    submission.sms.units = row[6].is_null() ? 0 : row[6].as<std::size_t>();
    submission.sms.parts = row[7].is_null() ? 1 : row[7].as<std::size_t>();
    submission.sms.sent = idsOf(bytesOf(row[8]));
    submission.sms.ignored = idsOf(bytesOf(row[9]));
    submission.severity = numberOf(row[10]);
    submission.first = row[11].is_null() ? 0 : row[11].as<format::MessageId>();
    submission.rounds = row[12].as<int>();
    submission.failing = elapsed(row[13]);
    if (!row[14].is_null()) submission.stamps = idsOf(bytesOf(row[14]));
    submission.key = idempotencyKey(keyPrefix_, submission.id, submission.stamps);
    submission.notUnderstood = row[15].as<int>();
  }
  return submissions;
}

}  // namespace smsd::queue::postgresql
