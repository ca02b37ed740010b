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
#include "supervisor/queue/postgresql/sql-operator.h"
#include "supervisor/queue/postgresql/sql-session.h"
#include "supervisor/queue/postgresql/values.h"
#include "supervisor/queue/stored-names.h"

namespace smsd::queue::postgresql {

namespace {

struct LetGo {
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
LetGo letGo(pqxx::work& tx, SubmissionId id, const char* decision) {
  LetGo held;
  if (tx.exec_params(sql::decide, id, decision).affected_rows() > 0)
    for (const auto& row : tx.exec_params(sql::letGo, id)) {
      auto& stamp = held.messages[row[0].as<format::MessageId>()];
      if (!row[1].is_null()) stamp = row[1].as<std::int64_t>();
    }
  return held;
}

SubmissionRecord recordOf(const pqxx::row& row) {
  SubmissionRecord record;
  record.id = row[0].as<SubmissionId>();
  record.key = bytesOf(row[1]);
  record.text = bytesOf(row[2]);
  record.supervisor = bytesOf(row[3]);
  record.created = bytesOf(row[4]);
  record.ended = bytesOf(row[5]);
  record.fate = bytesOf(row[6]);
  record.decided = bytesOf(row[7]);
  record.onlyCounted = !row[8].as<bool>();
  record.messages = idsOf(bytesOf(row[9]));
  return record;
}

/// The attempt in force, or the attempt that ended the submission. It is stored in the submission's own row.
AttemptRecord lastAttempt(const pqxx::row& row) {
  AttemptRecord attempt;
  attempt.id = static_cast<AttemptId>(row[10].as<std::int64_t>());
  attempt.dispatcher = bytesOf(row[11]);
  attempt.outcome = bytesOf(row[12]);
  attempt.reason = bytesOf(row[13]);
  attempt.reference = bytesOf(row[14]);
  attempt.ended = bytesOf(row[5]);
  return attempt;
}

void addFormerAttempts(pqxx::work& tx, std::vector<SubmissionRecord>& submissions) {
  ArrayLiteral ids;
  for (const auto& submission : submissions) ids.add(submission.id);
  for (const auto& row : tx.exec_params(sql::attemptsOf, ids.str())) {
    auto of = std::ranges::lower_bound(submissions, row[0].as<SubmissionId>(), {}, &SubmissionRecord::id);
    AttemptRecord attempt;
    attempt.id = static_cast<AttemptId>(row[1].as<std::int64_t>());
    // An attempt that ended its submission without success is stored in both tables.
    if (attempt.id == of->attempts.back().id) continue;
    attempt.dispatcher = bytesOf(row[2]);
    attempt.outcome = bytesOf(row[3]);
    attempt.reason = bytesOf(row[4]);
    attempt.ended = bytesOf(row[5]);
    of->attempts.insert(of->attempts.end() - 1, std::move(attempt));
  }
}

std::vector<SubmissionRecord> submissionsWith(pqxx::work& tx, format::MessageId id) {
  std::vector<SubmissionRecord> submissions;
  for (const auto& row : tx.exec_params(sql::submissionsWith, id)) {
    submissions.push_back(recordOf(row));
    submissions.back().attempts.push_back(lastAttempt(row));
  }
  addFormerAttempts(tx, submissions);
  return submissions;
}

/// Empty if a later submission is the reason. Then the message had been made unsent again by hand.
std::string whyIgnored(pqxx::work& tx, const MessageLife& life) {
  if (life.message.status != SentStatus::ignored) return "";
  auto rows = tx.exec_params(sql::whyIgnored, life.message.id);
  const bool later =
      !rows.empty() && !life.submissions.empty() && life.submissions.back().ended > bytesOf(rows[0][1]);
  return rows.empty() || later ? "" : bytesOf(rows[0][0]);
}

}  // namespace

std::vector<HeldSms> PostgresqlQueue::held(std::size_t limit) {
  return session_.transact([&](pqxx::work& tx) {
    tx.exec(sql::planThisFreely);
    std::vector<HeldSms> held;
    for (const auto& row : tx.exec_params(sql::held, rowLimit(limit))) {
      HeldSms& sms = held.emplace_back();
      sms.id = row[0].as<SubmissionId>();
      sms.recipient = bytesOf(row[1]);
      sms.text = bytesOf(row[2]);
      sms.messages = idsOf(bytesOf(row[3]));
      sms.severity = numberOf(row[4]);
      sms.dispatcher = bytesOf(row[5]);
      sms.reason = bytesOf(row[6]);
      sms.since = bytesOf(row[7]);
    }
    return held;
  });
}

std::size_t PostgresqlQueue::release(SubmissionId id) {
  return session_.transact([&](pqxx::work& tx) -> std::size_t {
    const LetGo held = letGo(tx, id, fateReleased);
    if (held.messages.empty()) return 0;
    return tx.exec_params1(sql::countReleased, held.ids(), held.stamps())[0].as<std::size_t>();
  });
}

std::size_t PostgresqlQueue::discard(SubmissionId id) {
  return session_.transact([&](pqxx::work& tx) -> std::size_t {
    const LetGo held = letGo(tx, id, fateDiscarded);
    return tx.exec_params(sql::markDiscarded, held.ids(), held.stamps()).affected_rows();
  });
}

WaitsEnded PostgresqlQueue::endWaits(const Whom& whom) {
  return session_.transact([&](pqxx::work& tx) {
    WaitsEnded ended;
    if (whom.message == 0 && whom.recipient.empty()) {
      ended.count = tx.exec_params1(sql::endAllWaits)[0].as<std::size_t>();
      return ended;
    }
    ended.recipient = storable(whom.recipient);
    if (whom.message != 0) {
      const auto rows = tx.exec_params(sql::recipientOf, whom.message);
      if (rows.empty()) return WaitsEnded{.known = false, .recipient = {}, .count = 0};
      ended.recipient = bytesOf(rows[0][0]);
    }
    ended.count = tx.exec_params1(sql::endWaitOf, ended.recipient)[0].as<std::size_t>();
    return ended;
  });
}

/// Walks by submission id, because ids grow with time and an index on `ended` would slow down every SMS.
/// Skipped submissions (live, held, ended just now) are examined again in the next walk.
Purge PostgresqlQueue::purge(Duration age, std::size_t most) {
  const auto old = boundedMilliseconds(age);
  SubmissionId reached = purgedTo_;
  bool done = session_.transact([&](pqxx::work& tx) {
    ArrayLiteral ids;
    const auto rows = tx.exec_params(sql::lookAtHistory, reached, most, old);
    bool recent = static_cast<std::size_t>(rows.size()) < most;
    for (const auto& row : rows) {
      if (row[2].as<bool>()) {
        recent = true;
        break;
      }
      reached = row[0].as<SubmissionId>();
      if (!row[1].is_null() && row[1].as<bool>()) ids.add(reached);
    }
    tx.exec_params(sql::purgeHeld, ids.str());
    tx.exec_params(sql::purgeAttempts, ids.str());
    tx.exec_params(sql::purgeSubmissions, ids.str());
    const auto ignored = tx.exec_params(sql::purgeIgnored, old, most).affected_rows();
    return recent && static_cast<std::size_t>(ignored) < most;
  });
  purgedTo_ = done ? 0 : reached;
  return done ? Purge::done : Purge::more;
}

std::optional<MessageLife> PostgresqlQueue::explain(format::MessageId id, Duration longestWait) {
  return session_.transact([&](pqxx::work& tx) -> std::optional<MessageLife> {
    tx.exec(sql::oneSnapshot);
    tx.exec(sql::planThisFreely);
    auto rows = tx.exec_params(sql::life, id, boundedMilliseconds(longestWait));
    if (rows.empty()) return std::nullopt;
    MessageLife life;
    const auto row = rows[0];
    life.message = storedMessage(row);
    life.message.status = static_cast<SentStatus>(row[8].c_str()[0]);
    life.timeSent = bytesOf(row[9]);
    life.smsid = numberOf(row[10]);
    life.rounds = row[11].as<int>();
    life.waitsUntil = bytesOf(row[12]);
    life.failingSince = bytesOf(row[13]);
    life.failing = elapsed(row[14]);
    life.submissions = submissionsWith(tx, id);
    life.ignoredBecause = whyIgnored(tx, life);
    return life;
  });
}

}  // namespace smsd::queue::postgresql
