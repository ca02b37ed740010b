// SPDX-License-Identifier: GPL-3.0-or-later
// The life of a supervisor: enlistment, renewal, take-over. See outbox-queue.h.
#include <unistd.h>

#include <algorithm>

#include <smsd/queue/host-name.h>
#include <smsd/queue/rows.h>
#include "outbox-queue.h"

namespace gammu_outbox {
namespace {

using Kind = QueueError::Kind;

constexpr std::int64_t knownVersion = 1;

QueueError fencedOff(SupervisorId me) {
  return {Kind::fenced,
          "supervisor " + std::to_string(me) + " was declared dead: its SMS belong to another supervisor"};
}

/// Fails at the start instead of at the first alert. Returns the prefix of the keys.
std::string checkInstalled(Transaction& tx) {
  const auto rows = tx.run(sql::installed);
  if (rows.size() != 1)
    throw QueueError(Kind::notInstalled,
                     "smsd_outbox.installation is empty: drop the schema smsd_outbox, and "
                     "run `smsctl db install` again");
  if (rows.front().integer(sql::Installed::version) != knownVersion)
    throw QueueError(Kind::notInstalled,
                     "the schema smsd_outbox is of another version than this queue: install "
                     "the version of the queue that fits");
  if (!tx.flag(sql::mayLock))
    throw QueueError(Kind::denied,
                     "no privilege for outbox or for smsd_outbox.message: run `smsctl db install "
                     "--grant` with this role");
  return rows.front().text(sql::Installed::keyPrefix);
}

}  // namespace

void passFence(Transaction& tx, SupervisorId me, ClockWatch& clock) {
  const auto rows = tx.run(sql::fence, me);
  if (rows.empty()) throw fencedOff(me);
  clock.see(Duration(rows.front().integer(sql::Fence::now)), sinceBoot());
}

SupervisorId OutboxQueue::enlist(const std::string& name, Duration lease) {
  std::string prefix;
  const SupervisorId me = session_.transact([&](Transaction& tx) {
    prefix = checkInstalled(tx);
    tx.run(sql::endEarlierRuns, name);
    tx.run(sql::forgetOldWaits);
    return tx.number(sql::enlist, name, hostName(), static_cast<int>(getpid()), boundedMilliseconds(lease));
  });
  me_ = me;
  keyPrefix_ = prefix;
  onward_ = {};
  live_.clear();
  claimInDoubt_ = takeOverInDoubt_ = false;
  return me_;
}

void OutboxQueue::renew() {
  session_.transact([&](Transaction& tx) {
    if (tx.run(sql::renew, me_) == 0) passFence(tx, me_, clock_);
  });
}

std::vector<Submission> OutboxQueue::takeOver() {
  const bool recover = takeOverInDoubt_;
  takeOverInDoubt_ = true;
  auto adopted = session_.transact([&](Transaction& tx) {
    std::vector<Submission> submissions;
    if (recover) submissions = unaccounted(tx);
    if (gone(tx.run(sql::leases)).empty()) return submissions;
    // Again with all rows locked, because a supervisor may have renewed its lease meanwhile.
    const std::string dead = arrayOf(gone(tx.run(sql::lockedLeases)));
    tx.run(sql::clear, dead);
    for (auto& one : read(tx.run(sql::adopt, me_, dead))) submissions.push_back(std::move(one));
    return submissions;
  });
  if (recover) claimInDoubt_ = false;  // unaccounted() has returned those of the claim as well
  takeOverInDoubt_ = false;
  remember(adopted);
  return adopted;
}

/// Returns the supervisors of `rows` that are dead, or whose lease has run out.
std::vector<SupervisorId> OutboxQueue::gone(const Rows<sql::Leases>& rows) {
  using Column = sql::Leases;
  std::vector<SupervisorId> gone;
  std::vector<smsd::queue::Leases::Lease> leases;
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
  for (SupervisorId id : leases_.ranOut(leases, smsd::queue::Leases::Clock::now())) gone.push_back(id);
  return gone;
}

void OutboxQueue::retire() {
  session_.transact([&](Transaction& tx) { tx.run(sql::retire, me_); });
}

/// Returns the submissions that are ours in the database, but not in memory.
std::vector<Submission> OutboxQueue::unaccounted(Transaction& tx) {
  auto submissions = read(tx.run(sql::liveOf, me_));
  std::erase_if(submissions, [&](const Submission& submission) {
    auto live = live_.find(submission.recipient);
    return live != live_.end() && live->second.submission == submission.id;
  });
  return submissions;
}

std::vector<Submission> OutboxQueue::read(const Rows<sql::Adopted>& rows) const {
  std::vector<Submission> submissions;
  for (const auto& row : rows) {
    submissions.push_back(liveSubmission(row, keyPrefix_, idsOf));
    submissions.back().failing = elapsed(row.optionalInteger(sql::Adopted::failing));
  }
  return submissions;
}

void OutboxQueue::remember(const std::vector<Submission>& submissions) {
  for (const auto& submission : submissions) {
    LiveSubmission live{submission.id, submission.sms.sent, submission.severity};
    live.own.insert(live.own.end(), submission.sms.ignored.begin(), submission.sms.ignored.end());
    std::sort(live.own.begin(), live.own.end());
    live_[submission.recipient] = std::move(live);
  }
}

Installation OutboxQueue::installation() {
  return session_.transact([&](Transaction& tx) {
    checkInstalled(tx);
    Installation found;
    using Column = sql::LiveSupervisors;
    for (const auto& row : tx.run(sql::liveSupervisors))
      found.supervisors.push_back({row.text(Column::name), row.text(Column::host),
                                   static_cast<int>(row.integer(Column::pid)), "", 0});
    return found;
  });
}

std::optional<Ring> OutboxQueue::ringBell() {
  Ring ring;
  if (!session_.ring())
    ring.unannounced =
        "a trigger smsd_written or smsd_ring of outbox is missing or disabled: enable it, or drop "
        "the schema smsd_outbox with CASCADE and run `smsctl db install`";
  ring.ifUnheard =
      "a test NOTIFY did not reach smsd: connect to PostgreSQL itself, or let the pooler in between "
      "keep sessions";
  return ring;
}

}  // namespace gammu_outbox
