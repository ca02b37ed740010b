// SPDX-License-Identifier: GPL-3.0-or-later
// Attempts and settlements on a queue in a file. See queue.h.
#include <fmt/format.h>

#include "supervisor/queue/smsid.h"
#include "supervisor/queue/sqlite/claim.h"
#include "supervisor/queue/sqlite/sql-pace.h"
#include "supervisor/queue/sqlite/sql-settle.h"
#include "supervisor/queue/sqlite/values.h"
#include "supervisor/queue/stamps.h"
#include "supervisor/queue/stored-names.h"

namespace smsd::queue::sqlite {
namespace {

using Kind = QueueError::Kind;

void markMessages(Session& session, const Settlement& settlement, const Now& now, SettleResult& result) {
  if (settlement.fate == Fate::returned) return;
  const int smsid = settlement.fate == Fate::sent ? smsidOf(settlement.reference) : 0;
  eachMessage(settlement.submission, [&](format::MessageId id, std::optional<std::int64_t> stamp,
                                         MessagePlace place) {
    std::size_t marked = 0;
    if (settlement.fate == Fate::held)
      marked = session.query(sql::hold).bind(settlement.submission.id, id, stamp).run();
    else if (settlement.fate == Fate::sent && place == MessagePlace::inText)
      result.sent += marked = session.query(sql::markSent).bind(smsid, now.text, id, stamp).run();
    else
      result.ignored += marked = session.query(sql::markIgnored).bind(smsid, now.text, id, stamp).run();
    if (marked == 0 && session.query(sql::isAnother).bind(id, stamp).next()) ++result.replaced;
  });
}

void recordPace(Session& session, const Settlement& settlement, const Now& now) {
  if (!settlement.pacing || settlement.fate != Fate::sent) return;
  const std::string& recipient = settlement.submission.recipient;
  std::optional<pace::Record> former;
  {
    using sql::PaceOf;
    auto row = session.query(sql::paceOf);
    if (row.bind(recipient, now.ms).next())
      former = {.wait = Duration(row.integer(PaceOf::wait)),
                .hourAge = Duration(row.integer(PaceOf::hourAge)),
                .sent = static_cast<int>(row.integer(PaceOf::sent))};
  }
  const pace::Record next = pace::after(former, *settlement.pacing);
  std::optional<int> exempt;
  if (settlement.pacing->exempt > 0) exempt = settlement.pacing->exempt;
  session.query(sql::recordPace)
      .bind(recipient, now.ms + next.wait.count(), exempt, now.ms - next.hourAge.count(), next.sent, now.ms)
      .run();
}

}  // namespace

std::vector<AttemptId> SqliteQueue::recordAttempts(const std::vector<NextAttempt>& next) {
  return on([&](Session& session) {
    std::vector<AttemptId> attempts;
    Transaction tx(session);
    passFence(session);
    const Now now = clock(session);
    std::int64_t attempt = takeAttemptIds(session, next.size(), lastAttempt_);
    for (const NextAttempt& one : next) {
      if (session.query(sql::recordAttempt).bind(now.text, one.outcome, one.reason, one.id, me_).run() == 0)
        throw QueueError(Kind::fenced,
                         fmt::format("{}: submission {} is no longer under way here", path_, one.id));
      session.query(sql::nextAttempt)
          .bind(attempt, one.dispatcher, one.rounds, since(one.failing, now.ms), one.id)
          .run();
      attempts.push_back(static_cast<AttemptId>(attempt++));
    }
    tx.commit();
    return attempts;
  });
}

void SqliteQueue::settleOne(Session& session, const Settlement& settlement, const Now& now,
                            SettleResult& result) {
  const SubmissionId id = settlement.submission.id;
  const std::string& recipient = settlement.submission.recipient;
  if (settlement.outcome != "accepted")
    session.query(sql::recordAttempt).bind(now.text, settlement.outcome, settlement.reason, id, me_).run();
  const std::size_t ended = session.query(sql::end)
                                .bind(now.text, fateName(settlement.fate), settlement.outcome,
                                      settlement.reason, settlement.reference, id, me_)
                                .run();
  if (ended == 0) {
    auto row = session.query(sql::standing);
    if (!row.bind(id).next() || row.integer(sql::Standing::supervisor) != me_)
      throw QueueError(Kind::fenced,
                       fmt::format("{}: submission {} no longer belongs to this supervisor", path_, id));
    return;  // settled before: the call is repeated
  }
  markMessages(session, settlement, now, result);
  recordPace(session, settlement, now);
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
  if (settlement.submission.waited) session.query(sql::forgetWait).bind(recipient).run();
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
