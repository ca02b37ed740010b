// SPDX-License-Identifier: GPL-3.0-or-later
// Operator commands on a queue in a file: list, release and discard held SMS, end waits, explain a message,
// delete old history. See queue.h.
//
// Called through queue.h, by smsctl and by the daemon. Makes no decision of its own, and needs no lease: if
// two operators decide at the same time, the first one wins and the second finds nothing held.
#include <fmt/format.h>

#include <algorithm>

#include "supervisor/queue/idempotency-key.h"
#include "supervisor/queue/ranges.h"
#include "supervisor/queue/rows.h"
#include "supervisor/queue/sqlite/queue.h"
#include "supervisor/queue/sqlite/sql-intake.h"
#include "supervisor/queue/sqlite/sql-operator.h"
#include "supervisor/queue/sqlite/sql-pace.h"
#include "supervisor/queue/sqlite/values.h"

namespace smsd::queue::sqlite {
namespace {

std::vector<format::MessageId> idsOf(Session& session, const Statement<sql::MessagesOf>& statement,
                                     SubmissionId submission) {
  std::vector<format::MessageId> ids;
  auto row = session.query(statement);
  for (row.bind(submission); row.next();) ids.push_back(row.integer(sql::MessagesOf::id));
  return ids;
}

/// Those in the text, then those only counted.
std::vector<format::MessageId> messagesOf(Session& session, SubmissionId submission) {
  std::vector<format::MessageId> ids = idsOf(session, sql::idsInText, submission);
  for (const format::MessageId id : idsOf(session, sql::idsCounted, submission)) ids.push_back(id);
  return ids;
}

std::vector<format::MessageId> heldOf(Session& session, SubmissionId submission) {
  const std::vector<format::MessageId> held = idsOf(session, sql::heldOf, submission);
  std::vector<format::MessageId> ids = messagesOf(session, submission);
  std::erase_if(ids, [&](format::MessageId id) { return !std::ranges::binary_search(held, id); });
  return ids;
}

/// Returns nothing for a submission of an older version, which stored no stamps.
std::vector<std::int64_t> stampsOf(Session& session, SubmissionId submission) {
  auto row = session.query(sql::stampsOf);
  if (!row.bind(submission).next()) return {};
  return readIds(session, row.text(sql::StampsOf::list));
}

/// Returns whether the SMS contained the row that has this id now, and not a former row.
bool isOf(Session& session, SubmissionId submission, format::MessageId message) {
  const auto stamps = stampsOf(session, submission);
  const auto ids = messagesOf(session, submission);
  const auto place = static_cast<std::size_t>(std::ranges::find(ids, message) - ids.begin());
  return stamps.size() != ids.size() || stamps[place] == session.query(sql::stampOf).bind(message).number();
}

SubmissionRecord recordOf(Session& session, const Row<sql::SubmissionsWith>& row,
                          const std::string& keyPrefix, format::MessageId message) {
  SubmissionRecord record = submissionRecord(row);
  record.key = idempotencyKey(keyPrefix, record.id, stampsOf(session, record.id));
  record.messages = messagesOf(session, record.id);
  record.onlyCounted = std::ranges::count(idsOf(session, sql::idsInText, record.id), message) == 0;
  return record;
}

std::vector<AttemptRecord> attemptsOf(Session& session, SubmissionId submission, AttemptRecord last) {
  std::vector<AttemptRecord> attempts;
  auto row = session.query(sql::attemptsOf);
  for (row.bind(submission); row.next();) {
    AttemptRecord attempt = formerAttempt(row);
    if (attempt.id != last.id) attempts.push_back(std::move(attempt));
  }
  attempts.push_back(std::move(last));
  return attempts;
}

std::string whyIgnored(Session& session, const MessageLife& life) {
  if (life.message.status != SentStatus::ignored) return "";
  auto row = session.query(sql::whyIgnored);
  return row.bind(life.message.id).next() ? queue::whyIgnored(row, life) : "";
}

}  // namespace

std::vector<HeldSms> SqliteQueue::held(std::size_t limit) {
  return on([&](Session& session) {
    Transaction tx(session, Transaction::Kind::read);
    std::vector<HeldSms> held;
    auto row = session.query(sql::heldSms);
    row.bind(rowLimit(limit));
    while (row.next()) {
      HeldSms& sms = held.emplace_back(heldSms(row));
      sms.messages = heldOf(session, sms.id);
    }
    return held;
  });
}

std::size_t SqliteQueue::release(SubmissionId id) {
  return on([&](Session& session) -> std::size_t {
    Transaction tx(session);
    if (session.query(sql::decide).bind(fateReleased, clock(session).text, id).run() == 0) return 0;
    const auto released = static_cast<std::size_t>(session.query(sql::countReleased).bind(id).number());
    session.query(sql::endHold).bind(id).run();
    tx.commit();
    return released;
  });
}

std::size_t SqliteQueue::discard(SubmissionId id) {
  return on([&](Session& session) -> std::size_t {
    Transaction tx(session);
    const Now now = clock(session);
    if (session.query(sql::decide).bind(fateDiscarded, now.text, id).run() == 0) return 0;
    const std::size_t discarded = session.query(sql::markDiscarded).bind(now.text, id).run();
    session.query(sql::endHold).bind(id).run();
    tx.commit();
    return discarded;
  });
}

WaitsEnded SqliteQueue::endWaits(const Whom& whom) {
  return on([&](Session& session) {
    Transaction tx(session);
    WaitsEnded ended;
    if (whom.all()) {
      ended.count = session.query(sql::endAllWaits).run();
      tx.commit();
      return ended;
    }
    ended.recipient = whom.recipient;
    if (whom.message != 0) {
      auto row = session.query(sql::recipientOf);
      if (!row.bind(whom.message).next()) return WaitsEnded{.known = false, .recipient = {}, .count = 0};
      ended.recipient = row.text(sql::RecipientOf::phone);
    }
    ended.count = session.query(sql::endWaitOf).bind(*ended.recipient).run();
    tx.commit();
    return ended;
  });
}

Restored SqliteQueue::restore(format::MessageId id, std::optional<Duration> expireAfter) {
  return on([&](Session& session) -> Restored {
    using Result = Restored::Result;
    Transaction tx(session);
    std::optional<std::int64_t> age;
    if (expireAfter) age = expireAfter->count();
    Restored restored;
    {
      auto row = session.query(sql::restore);
      if (row.bind(id, clock(session).text, age).next())
        restored = {Result::restored, row.text(sql::Restored::phone)};
      while (restored.result == Result::restored && row.next()) continue;  // to its end, which commits it
    }
    if (restored.result == Result::restored) {
      session.query(sql::forgetWhyIgnored).bind(id).run();
      session.query(sql::forgetExpiry).bind(id).run();
      session.query(sql::endWaitOf).bind(restored.recipient).run();
      tx.commit();
      return restored;
    }
    auto row = session.query(sql::statusOf);
    if (!row.bind(id).next()) return {};
    return notRestored(row);
  });
}

std::size_t SqliteQueue::endSomeWaits(std::size_t most) {
  return on([&](Session& session) {
    Transaction tx(session);
    const std::size_t ended = session.query(sql::endSomeWaits).bind(rowLimit(most)).run();
    tx.commit();
    return ended;
  });
}

/// Walks by submission id, because ids grow with time. Skipped submissions (live, held, ended just now) are
/// examined again in the next walk.
Purge SqliteQueue::purge(Duration age, std::size_t most) {
  return on([&](Session& session) {
    const auto limit = static_cast<std::int64_t>(most);
    Transaction tx(session);
    std::string horizon;
    {
      auto row = session.query(sql::ago);
      row.bind(fmt::format("-{}.{:03} seconds", age.count() / 1000, age.count() % 1000)).next();
      horizon = row.text(sql::Ago::time);
    }
    SubmissionId reached = purgedTo_;
    std::size_t looked = 0;
    bool recent = false;
    std::vector<SubmissionId> old;
    {
      using Column = sql::LookAtHistory;
      auto row = session.query(sql::lookAtHistory);
      for (row.bind(reached, horizon, limit); !recent && row.next(); ++looked) {
        if ((recent = row.flag(Column::recent))) break;
        reached = row.integer(Column::id);
        if (row.flag(Column::old)) old.push_back(reached);
      }
    }
    for (const SubmissionId id : old) {
      session.query(sql::endHold).bind(id).run();
      session.query(sql::purgeAttempts).bind(id).run();
      session.query(sql::purgeSubmission).bind(id).run();
    }
    const std::size_t ignored = session.query(sql::purgeIgnored).bind(horizon, limit).run();
    const std::int64_t before = clock(session).ms - age.count();
    const std::size_t alerts = session.query(sql::purgeAlerts).bind(before, limit).run();
    const std::size_t keys = session.query(sql::purgeKeys).bind(before, limit).run();
    session.query(sql::forgetOldPaces).bind(clock(session).ms).run();
    tx.commit();
    const bool done = (recent || looked < most) && ignored < most && alerts < most && keys < most;
    purgedTo_ = done ? 0 : reached;
    return done ? Purge::done : Purge::more;
  });
}

std::optional<MessageLife> SqliteQueue::explain(format::MessageId id, Duration longestWait) {
  return on([&](Session& session) -> std::optional<MessageLife> {
    Transaction tx(session, Transaction::Kind::read);
    MessageLife life;
    {
      auto row = session.query(sql::life);
      if (!row.bind(clock(session).ms, id, std::int64_t{longestWait.count()}).next()) return std::nullopt;
      life = messageLife(row);
    }
    auto row = session.query(sql::submissionsWith);
    for (row.bind(id); row.next();) {
      if (!isOf(session, row.integer(sql::SubmissionsWith::id), id)) continue;
      life.submissions.push_back(recordOf(session, row, connection_->keyPrefix, id));
      SubmissionRecord& submission = life.submissions.back();
      submission.attempts = attemptsOf(session, submission.id, lastAttempt(row));
    }
    life.ignoredBecause = whyIgnored(session, life);
    if (auto alert = session.query(sql::alertOf); alert.bind(id).next()) life.alert = alertRecord(alert);
    if (auto paced = session.query(sql::pacedUntil); paced.bind(clock(session).ms, id).next())
      life.pacedUntil = paced.text(sql::PacedUntil::time);
    return life;
  });
}

}  // namespace smsd::queue::sqlite
