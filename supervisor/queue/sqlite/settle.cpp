// SPDX-License-Identifier: GPL-3.0-or-later
// Attempts and settlements on a queue in a file. See queue.h.
#include <fmt/format.h>

#include <charconv>

#include "supervisor/queue/sqlite/queue.h"
#include "supervisor/queue/sqlite/sql-settle.h"
#include "supervisor/queue/sqlite/values.h"

namespace smsd::queue::sqlite {
namespace {

using Kind = QueueError::Kind;

// smsq.smsid is an integer. Any other reference is kept in the submission only. NAV's smsd crashes at it, and
// then sends the SMS again.
int smsidOf(const std::string& reference) {
  int value = 0;
  const char* end = reference.data() + reference.size();
  const auto [stopped, error] = std::from_chars(reference.data(), end, value);
  return error == std::errc{} && stopped == end ? value : 0;
}

std::string_view fateName(Fate fate) {
  switch (fate) {
    case Fate::sent:
      return "sent";
    case Fate::ignored:
      return "ignored";
    case Fate::held:
      return "held";
    case Fate::returned:
      break;
  }
  return "returned";
}

}  // namespace

std::vector<AttemptId> SqliteQueue::recordAttempts(const std::vector<NextAttempt>& next) {
  return on([&](Session& session) {
    std::vector<AttemptId> attempts;
    Transaction tx(session);
    passFence(session);
    const Now now = clock(session);
    std::int64_t attempt = takeAttemptIds(session, next.size());
    for (const NextAttempt& one : next) {
      {
        auto row = session.query(sql::standing);
        if (!row.bind(one.id).next() || row.integer(0) != me_ || row.integer(1) != 0)
          throw QueueError(Kind::fenced,
                           fmt::format("{}: submission {} is not under way here any more", path_, one.id));
        session.query(sql::recordAttempt)
            .bind(row.integer(2), one.id, row.text(3), now.text, one.outcome, one.reason)
            .run();
      }
      session.query(sql::nextAttempt)
          .bind(attempt, one.dispatcher, one.rounds, since(one.failing, now.ms), one.id)
          .run();
      attempts.push_back(static_cast<AttemptId>(attempt++));
    }
    tx.commit();
    return attempts;
  });
}

void SqliteQueue::mark(Session& session, const Settlement& settlement, const Now& now, SettleResult& result) {
  if (settlement.fate == Fate::returned) return;
  const format::FormattedSms& sms = settlement.submission.sms;
  const auto& stamps = settlement.submission.stamps;
  const bool known = stamps.size() == sms.sent.size() + sms.ignored.size();
  const int smsid = settlement.fate == Fate::sent ? smsidOf(settlement.reference) : 0;
  std::size_t n = 0;
  for (const auto* ids : {&sms.sent, &sms.ignored})
    for (const format::MessageId id : *ids) {
      const std::optional<std::int64_t> stamp = known ? std::optional(stamps[n++]) : std::nullopt;
      if (settlement.fate == Fate::held)
        session.query(sql::hold).bind(settlement.submission.id, id, stamp).run();
      else if (settlement.fate == Fate::sent && ids == &sms.sent)
        result.sent += session.query(sql::markSent).bind(smsid, now.text, id, stamp).run();
      else
        result.ignored += session.query(sql::markIgnored).bind(smsid, now.text, id, stamp).run();
    }
}

void SqliteQueue::settleOne(Session& session, const Settlement& settlement, const Now& now,
                            SettleResult& result) {
  const SubmissionId id = settlement.submission.id;
  std::string recipient;
  {
    auto row = session.query(sql::standing);
    if (!row.bind(id).next() || row.integer(0) != me_)
      throw QueueError(Kind::fenced,
                       fmt::format("{}: submission {} is not this supervisor's any more", path_, id));
    if (row.integer(1) != 0) return;  // settled before: the call is repeated
    recipient = row.text(4);
    if (settlement.outcome != "accepted")
      session.query(sql::recordAttempt)
          .bind(row.integer(2), id, row.text(3), now.text, settlement.outcome, settlement.reason)
          .run();
  }
  mark(session, settlement, now, result);
  session.query(sql::end)
      .bind(now.text, fateName(settlement.fate), settlement.outcome, settlement.reason, settlement.reference,
            id)
      .run();
  if (settlement.fate == Fate::returned && settlement.wait) {
    session.query(sql::wait)
        .bind(recipient, settlement.rounds, now.ms + settlement.wait->count(), settlement.reason,
              settlement.submission.severity, since(settlement.failing, now.ms), now.ms)
        .run();
    // During the wait, only a more severe message can be claimed.
    if (!result.lookAgain)
      result.lookAgain =
          session.query(sql::hasMoreSevere).bind(recipient, settlement.submission.severity).next();
    return;
  }
  session.query(sql::noWait).bind(recipient).run();
  if (!result.lookAgain) result.lookAgain = session.query(sql::hasUnsent).bind(recipient).next();
}

SettleResult SqliteQueue::settle(const std::vector<Settlement>& settlements) {
  return on([&](Session& session) {
    SettleResult result;
    Transaction tx(session);
    passFence(session);
    const Now now = clock(session);
    for (const Settlement& settlement : settlements) settleOne(session, settlement, now, result);
    tx.commit();
    return result;
  });
}

}  // namespace smsd::queue::sqlite
