// SPDX-License-Identifier: GPL-3.0-or-later
// Operator commands: list, release and discard held SMS, end waits, explain a message, delete old history.
// See outbox-queue.h. If two operators decide at the same time, the first one wins.
#include <algorithm>
#include <map>

#include <smsd/queue/rows.h>
#include "outbox-queue.h"
#include "sql-lists.h"

namespace gammu_outbox {
namespace {

/// The messages of a hold that has ended, as arrays of ids and of the stamps of their rows.
struct EndedHold {
  std::string ids, stamps;
};

EndedHold endHold(Transaction& tx, SubmissionId id, const char* decision) {
  ArrayLiteral ids, stamps;
  if (tx.run(sql::decide, id, decision) > 0)
    for (const auto& row : tx.run(sql::endHold, id)) {
      ids.add(row.integer(sql::EndHold::message));
      const auto stamp = row.optionalInteger(sql::EndHold::stamp);
      stamp ? stamps.add(*stamp) : stamps.addNull();
    }
  return {ids.str(), stamps.str()};
}

std::vector<SubmissionRecord> submissionsWith(Transaction& tx, MessageId id, std::string_view keyPrefix) {
  using Column = sql::SubmissionsWith;
  std::vector<SubmissionRecord> submissions;
  ArrayLiteral ids;
  for (const auto& row : tx.run(sql::submissionsWith, id)) {
    SubmissionRecord& record = submissions.emplace_back(submissionRecord(row));
    record.key = idempotencyKey(keyPrefix, record.id, idsOf(row.view(Column::stamps)));
    record.onlyCounted = !row.flag(Column::inText);
    record.messages = idsOf(row.view(Column::messages));
    record.attempts.push_back(lastAttempt(row));
    ids.add(record.id);
  }
  for (const auto& row : tx.run(sql::attemptsOf, ids.str())) {
    auto of = std::ranges::lower_bound(submissions, row.integer(sql::AttemptsOf::submission), {},
                                       &SubmissionRecord::id);
    AttemptRecord attempt = formerAttempt(row);
    if (attempt.id != of->attempts.back().id) of->attempts.insert(of->attempts.end() - 1, std::move(attempt));
  }
  return submissions;
}

}  // namespace

std::vector<HeldSms> OutboxQueue::held(std::size_t limit) {
  return session_.transact([&](Transaction& tx) {
    std::vector<HeldSms> held;
    for (const auto& row : tx.run(sql::heldSms, rowLimit(limit))) {
      held.push_back(heldSms(row));
      held.back().messages = idsOf(row.view(sql::Held::messages));
    }
    return held;
  });
}

std::size_t OutboxQueue::release(SubmissionId id) {
  return session_.transact([&](Transaction& tx) -> std::size_t {
    const EndedHold hold = endHold(tx, id, fateReleased);
    std::vector<MessageId> released;
    for (const auto& row : tx.run(sql::released, hold.ids, hold.stamps))
      released.push_back(row.integer(sql::Released::id));
    if (released.empty()) return 0;
    tx.run(sql::unlock, arrayOf(released));
    tx.run(sql::ring);
    return released.size();
  });
}

std::size_t OutboxQueue::discard(SubmissionId id) {
  return session_.transact([&](Transaction& tx) -> std::size_t {
    const EndedHold hold = endHold(tx, id, fateDiscarded);
    return tx.run(sql::markDiscarded, hold.ids, hold.stamps);
  });
}

WaitsEnded OutboxQueue::endWaits(const Whom& whom) {
  return session_.transact([&](Transaction& tx) {
    WaitsEnded ended;
    if (whom.all()) {
      ended.count = tx.run(sql::endAllWaits);
    } else {
      ended.recipient = storable(whom.recipient);
      if (whom.message != 0) {
        const auto rows = tx.run(sql::recipientOf, whom.message);
        if (rows.empty()) return WaitsEnded{.known = false, .recipient = {}, .count = 0};
        ended.recipient = rows.front().text(sql::RecipientOf::phone);
      }
      ended.count = tx.run(sql::endWaitOf, *ended.recipient);
    }
    tx.run(sql::ring);
    return ended;
  });
}

/// Walks by submission id, because ids grow with time. Skipped submissions (live, held, ended just now) are
/// examined again in the next walk.
Purge OutboxQueue::purge(Duration age, std::size_t most) {
  const auto old = boundedMilliseconds(age);
  SubmissionId reached = purgedTo_;
  const bool done = session_.transact([&](Transaction& tx) {
    using Column = sql::LookAtHistory;
    ArrayLiteral ids;
    const auto rows = tx.run(sql::lookAtHistory, reached, most, old);
    bool recent = rows.size() < most;
    for (const auto& row : rows) {
      if (row.flag(Column::recent)) {
        recent = true;
        break;
      }
      reached = row.integer(Column::id);
      if (!row.isNull(Column::old) && row.flag(Column::old)) ids.add(reached);
    }
    for (const char* statement : {sql::purgeHeld, sql::purgeAttempts, sql::purgeSubmissions})
      tx.run(statement, ids.str());
    const auto ignored = tx.run(sql::purgeIgnored, old, most);
    return recent && ignored < most;
  });
  purgedTo_ = done ? 0 : reached;
  return done ? Purge::done : Purge::more;
}

std::optional<MessageLife> OutboxQueue::explain(MessageId id, Duration longestWait) {
  return session_.transact([&](Transaction& tx) -> std::optional<smsd::queue::MessageLife> {
    tx.run(sql::oneSnapshot);
    const auto rows = tx.run(sql::life, id, boundedMilliseconds(longestWait));
    if (rows.empty()) return std::nullopt;
    smsd::queue::MessageLife life = messageLife(rows.front());
    const auto prefix = tx.run(sql::installed).front().text(sql::Installed::keyPrefix);
    life.submissions = submissionsWith(tx, id, prefix);
    if (life.message.status == SentStatus::ignored)
      if (const auto why = tx.run(sql::whyIgnored, id); !why.empty())
        life.ignoredBecause = whyIgnored(why.front(), life);
    return life;
  });
}

}  // namespace gammu_outbox
