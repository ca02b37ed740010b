// SPDX-License-Identifier: GPL-3.0-or-later
// Operator commands of the PostgreSQL backend: list, release and discard held SMS, end waits, explain a
// message, delete old history.
//
// Called through queue.h, by smsctl and by the daemon. Makes no decision of its own, and needs no lease: if
// two operators decide at the same time, the first one wins and the second finds nothing held. Fails as
// described in queue.h.
#include <algorithm>
#include <map>

#include "supervisor/queue/postgresql/queue.h"
#include "supervisor/queue/postgresql/sql-intake.h"
#include "supervisor/queue/postgresql/sql-operator.h"
#include "supervisor/queue/postgresql/sql-pace.h"
#include "supervisor/queue/postgresql/sql-session.h"
#include "supervisor/queue/postgresql/values.h"
#include "supervisor/queue/rows.h"

namespace smsd::queue::postgresql {

namespace {

struct HeldMessages {
  std::map<format::MessageId, std::optional<std::int64_t>> messages;  // with the stamps of their rows
  std::string ids() const {
    ArrayLiteral ids;
    for (const auto& [id, stamp] : messages) ids.add(id);
    return ids.str();
  }
  std::string stamps() const {
    ArrayLiteral stamps;
    for (const auto& [id, stamp] : messages) stamp ? stamps.add(*stamp) : stamps.addNull();
    return stamps.str();
  }
};

/// Deletes the hold of submission `id`. Returns the messages that it held.
HeldMessages endHold(Transaction& tx, SubmissionId id, const char* decision) {
  HeldMessages held;
  if (tx.once(sql::decide, id, decision) > 0)
    for (const auto& row : tx.once(sql::endHold, id))
      held.messages[row.integer(sql::EndHold::message)] = row.optionalInteger(sql::EndHold::stamp);
  return held;
}

template <typename Column>
std::size_t countOf(const Rows<Column>& rows) {
  return static_cast<std::size_t>(rows.front().integer(Column::count));
}

void addFormerAttempts(Transaction& tx, std::vector<SubmissionRecord>& submissions) {
  ArrayLiteral ids;
  for (const auto& submission : submissions) ids.add(submission.id);
  for (const auto& row : tx.once(sql::attemptsOf, ids.str())) {
    auto of = std::ranges::lower_bound(submissions, row.integer(sql::AttemptsOf::submission), {},
                                       &SubmissionRecord::id);
    AttemptRecord attempt = formerAttempt(row);
    if (attempt.id != of->attempts.back().id) of->attempts.insert(of->attempts.end() - 1, std::move(attempt));
  }
}

std::vector<SubmissionRecord> submissionsWith(Transaction& tx, format::MessageId id) {
  using Column = sql::SubmissionsWith;
  std::vector<SubmissionRecord> submissions;
  for (const auto& row : tx.once(sql::submissionsWith, id)) {
    SubmissionRecord& record = submissions.emplace_back(submissionRecord(row));
    record.key = row.text(Column::key);
    record.onlyCounted = !row.flag(Column::inText);
    record.messages = idsOf(row.view(Column::messages));
    record.attempts.push_back(lastAttempt(row));
  }
  addFormerAttempts(tx, submissions);
  return submissions;
}

std::string whyIgnored(Transaction& tx, const MessageLife& life) {
  if (life.message.status != SentStatus::ignored) return "";
  const auto rows = tx.once(sql::whyIgnored, life.message.id);
  return rows.empty() ? "" : queue::whyIgnored(rows.front(), life);
}

/// Also gives the message its whole text.
void addAlert(Transaction& tx, MessageLife& life) {
  const auto rows = tx.once(sql::alertOf, life.message.id);
  if (rows.empty()) return;
  life.alert = alertRecord(rows.front());
  if (const auto whole = rows.front().text(sql::AlertOf::text); !whole.empty()) life.message.text = whole;
}

/// Also whether it keeps paces.
bool keepsAlerts(Transaction& tx) { return installedSchema(tx).version > schema::withoutAlerts; }

}  // namespace

std::vector<HeldSms> PostgresqlQueue::held(std::size_t limit) {
  return session_.transact([&](Transaction& tx) {
    tx.once(sql::planThisFreely);
    std::vector<HeldSms> held;
    for (const auto& row : tx.once(sql::heldSms, rowLimit(limit))) {
      HeldSms& sms = held.emplace_back(heldSms(row));
      sms.messages = idsOf(row.view(sql::Held::messages));
    }
    return held;
  });
}

std::size_t PostgresqlQueue::release(SubmissionId id) {
  return session_.transact([&](Transaction& tx) -> std::size_t {
    const HeldMessages held = endHold(tx, id, fateReleased);
    if (held.messages.empty()) return 0;
    return countOf(tx.once(sql::countReleased, held.ids(), held.stamps()));
  });
}

std::size_t PostgresqlQueue::discard(SubmissionId id) {
  return session_.transact([&](Transaction& tx) -> std::size_t {
    const HeldMessages held = endHold(tx, id, fateDiscarded);
    return tx.once(sql::markDiscarded, held.ids(), held.stamps());
  });
}

WaitsEnded PostgresqlQueue::endWaits(const Whom& whom) {
  return session_.transact([&](Transaction& tx) {
    WaitsEnded ended;
    if (whom.all()) {
      ended.count = countOf(tx.once(sql::endAllWaits));
      return ended;
    }
    ended.recipient = storable(whom.recipient);
    if (whom.message != 0) {
      const auto rows = tx.once(sql::recipientOf, whom.message);
      if (rows.empty()) return WaitsEnded{.known = false, .recipient = {}, .count = 0};
      ended.recipient = rows.front().text(sql::RecipientOf::phone);
    }
    ended.count = countOf(tx.once(sql::endWaitOf, *ended.recipient));
    return ended;
  });
}

Restored PostgresqlQueue::restore(format::MessageId id, std::optional<Duration> expireAfter) {
  return session_.transact([&](Transaction& tx) -> Restored {
    using Result = Restored::Result;
    std::optional<std::int64_t> age;
    if (expireAfter) age = boundedMilliseconds(*expireAfter);
    const auto rows = tx.once(sql::restore, id, age);
    if (!rows.empty()) {
      Restored restored{Result::restored, rows.front().text(sql::Restored::phone)};
      tx.once(sql::forgetWhyIgnored, id);
      if (keepsAlerts(tx)) tx.once(sql::forgetExpiry, id);
      tx.once(sql::endWaitOf, restored.recipient);
      return restored;
    }
    const auto found = tx.once(sql::statusOf, id);
    if (found.empty()) return {};
    return notRestored(found.front());
  });
}

std::size_t PostgresqlQueue::endSomeWaits(std::size_t most) {
  return session_.transact(
      [&](Transaction& tx) { return countOf(tx.once(sql::endSomeWaits, rowLimit(most))); });
}

/// Walks by submission id, because ids grow with time and an index on `ended` would slow down every SMS.
/// Skipped submissions (live, held, ended just now) are examined again in the next walk.
Purge PostgresqlQueue::purge(Duration age, std::size_t most) {
  const auto old = boundedMilliseconds(age);
  SubmissionId reached = purgedTo_;
  bool done = session_.transact([&](Transaction& tx) {
    using Column = sql::LookAtHistory;
    ArrayLiteral ids;
    const auto rows = tx.once(sql::lookAtHistory, reached, most, old);
    bool recent = rows.size() < most;
    for (const auto& row : rows) {
      if (row.flag(Column::recent)) {
        recent = true;
        break;
      }
      reached = row.integer(Column::id);
      if (!row.isNull(Column::old) && row.flag(Column::old)) ids.add(reached);
    }
    tx.once(sql::purgeHeld, ids.str());
    tx.once(sql::purgeAttempts, ids.str());
    tx.once(sql::purgeSubmissions, ids.str());
    const auto ignored = tx.once(sql::purgeIgnored, old, most);
    if (!keepsAlerts(tx)) return recent && ignored < most;
    tx.once(sql::forgetOldPaces);
    const auto alerts = tx.once(sql::purgeAlerts, old, most), keys = tx.once(sql::purgeKeys, old, most);
    return recent && ignored < most && alerts < most && keys < most;
  });
  purgedTo_ = done ? 0 : reached;
  return done ? Purge::done : Purge::more;
}

std::optional<MessageLife> PostgresqlQueue::explain(format::MessageId id, Duration longestWait) {
  return session_.transact([&](Transaction& tx) -> std::optional<MessageLife> {
    tx.once(sql::oneSnapshot);
    tx.once(sql::planThisFreely);
    auto rows = tx.once(sql::life, id, boundedMilliseconds(longestWait));
    if (rows.empty()) return std::nullopt;
    MessageLife life = messageLife(rows.front());
    life.submissions = submissionsWith(tx, id);
    life.ignoredBecause = whyIgnored(tx, life);
    if (!keepsAlerts(tx)) return life;
    addAlert(tx, life);
    if (const auto paced = tx.once(sql::pacedUntil, id); !paced.empty())
      life.pacedUntil = paced.front().text(sql::PacedUntil::time);
    return life;
  });
}

}  // namespace smsd::queue::postgresql
