// SPDX-License-Identifier: GPL-3.0-or-later
// The heartbeats of other programs in the PostgreSQL backend. See heartbeats.h.
//
// Owns the order of the steps of a look. Locks the supervisor's own row first (the fence), then the
// heartbeats in the order of their names, then messages, so that two supervisors cannot wait for each other.
// Called through queue.h. Fails as described there.
#include <set>

#include "supervisor/queue/heartbeat-rows.h"
#include "supervisor/queue/postgresql/queue.h"
#include "supervisor/queue/postgresql/sql-heartbeats.h"
#include "supervisor/queue/postgresql/sql-nav.h"
#include "supervisor/queue/postgresql/values.h"

namespace smsd::queue::postgresql {

namespace {

/// Leaves out those that `mayTake` does not have.
BeatMessagesByName takeBeats(Transaction& tx, const HeartbeatLook& look,
                             const std::set<std::string>& mayTake) {
  ArrayLiteral names, numbers;
  for (const auto& watched : look.heartbeats)
    if (mayTake.contains(watched.name))
      for (const auto& number : watched.numbers) {
        names.add(watched.name);
        numbers.add(number);
      }
  BeatMessagesByName taken;
  for (const auto& row : tx.run(sql::takeBeats, names.str(), numbers.str()))
    taken[row.text(sql::BeatRows::name)] = {static_cast<std::uint64_t>(row.integer(sql::BeatRows::count)),
                                            row.optionalInteger(sql::BeatRows::age)};
  return taken;
}

/// A missing privilege is reported now, and not when the alert is due.
void requireAlerts(Transaction& tx) {
  if (!tx.flagOnce(sql::mayAlert))
    throw QueueError(
        QueueError::Kind::denied,
        "no privilege to insert an alert into smsq: run the GRANTs that `smsctl db install` prints");
}

void insertAlert(Transaction& tx, const NewMessage& message) {
  ArrayLiteral accounts, recipients, texts, severities;
  accounts.add(message.account);
  recipients.add(message.recipient);
  texts.add(message.text);
  severities.add(message.severity);
  tx.run(sql::insert, accounts.str(), recipients.str(), texts.str(), severities.str());
  tx.run(sql::announce);
}

}  // namespace

HeartbeatsSeen PostgresqlQueue::lookAtHeartbeats(const HeartbeatLook& look) {
  const bool kept = schema_.used > schema::withoutHeartbeats;
  return session_.transact([&](Transaction& tx) {
    passFence(tx, me_, clock_);
    HeartbeatsSeen result;
    result.offer = kept ? HeartbeatsSeen::Offer::watched : HeartbeatsSeen::Offer::notYet;
    std::set<std::string> names;
    for (const auto& watched : look.heartbeats) names.insert(watched.name);
    std::vector<Row<sql::HeartbeatRows>> rows;
    if (kept) {
      requireAlerts(tx);
      tx.run(sql::knowHeartbeats, arrayOf(names));
      for (const auto& row : tx.run(sql::heartbeats, arrayOf(names), me_)) rows.push_back(row);
      names.clear();  // messages of a heartbeat at which another supervisor looks now are left to it
      for (const auto& row : rows) names.insert(row.text(sql::HeartbeatRows::name));
    }
    auto taken = takeBeats(tx, look, names);
    for (const auto& [name, messages] : taken) result.taken += messages.count;
    for (const auto& row : rows) {
      const BeatMessages messages = taken[row.text(sql::HeartbeatRows::name)];
      const HeartbeatRecord record = heartbeatRecord(row, messages);
      const HeartbeatVerdict verdict = look.judge(record);
      std::optional<std::string> age;
      if (messages.age) age = std::to_string(*messages.age);
      tx.run(sql::writeHeartbeat, record.name, boundedMilliseconds(verdict.waited), me_,
             static_cast<std::int64_t>(messages.count), age, nameOf(verdict.change));
      if (verdict.message) insertAlert(tx, *verdict.message);
      result.seen.push_back({record, verdict});
    }
    return result;
  });
}

bool PostgresqlQueue::beat(const std::string& name) {
  return session_.transact([&](Transaction& tx) {
    if (installedSchema(tx).version <= schema::withoutHeartbeats) return false;
    tx.once(sql::beat, storable(name));
    return true;
  });
}

}  // namespace smsd::queue::postgresql
