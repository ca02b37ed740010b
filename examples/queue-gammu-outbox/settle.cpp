// SPDX-License-Identifier: GPL-3.0-or-later
// Attempts and settlements: the second transaction in the life of a submission. See outbox-queue.h.
//
// Settles only submissions that are ours and live when the transaction reaches them, so that a call may be
// repeated. The mark of a message moves its row to sentitems (outbox.sql).
#include <algorithm>
#include <unordered_set>

#include <smsd/queue/smsid.h>
#include <smsd/queue/stamps.h>
#include <smsd/queue/stored-names.h>
#include "outbox-queue.h"

namespace gammu_outbox {
namespace {

using Ended = std::unordered_set<SubmissionId>;

Ended end(Transaction& tx, SupervisorId me, const std::vector<Settlement>& settlements) {
  ArrayLiteral ids, fates, outcomes, reasons, references;
  for (const auto& settlement : settlements) {
    ids.add(settlement.submission.id);
    fates.add(fateName(settlement.fate));
    outcomes.add(settlement.outcome);
    reasons.add(settlement.reason);
    references.add(settlement.reference);
  }
  Ended ended;
  for (const auto& row :
       tx.run(sql::end, me, ids.str(), fates.str(), outcomes.str(), reasons.str(), references.str()))
    ended.insert(row.integer(sql::Ended::id));
  return ended;
}

struct Mark {
  MessageId id = 0;
  std::int64_t value = 0;             // its smsid, or its submission
  std::optional<std::int64_t> stamp;  // of its row at the claim; none: unknown
};
using Marks = std::vector<Mark>;

/// Calls `run(ids, values, stamps)` for all marks, and returns the sum of the results. Two SMS of one batch
/// may contain the same id: one for a former row, one for the row that has the id now. Each statement has
/// distinct ids.
template <typename Run>
std::size_t inStatements(Marks marks, Run&& run) {
  std::size_t sum = 0;
  while (!marks.empty()) {
    Marks again;
    std::unordered_set<MessageId> seen;
    ArrayLiteral ids, values, stamps;
    for (const Mark& one : marks) {
      if (!seen.insert(one.id).second) {
        again.push_back(one);
        continue;
      }
      ids.add(one.id);
      values.add(one.value);
      one.stamp ? stamps.add(*one.stamp) : stamps.addNull();
    }
    sum += run(ids.str(), values.str(), stamps.str());
    marks = std::move(again);
  }
  return sum;
}

std::size_t mark(Transaction& tx, const char* statement, Marks marks) {
  return inStatements(std::move(marks), [&](const auto& ids, const auto& values, const auto& stamps) {
    return tx.run(statement, ids, values, stamps);
  });
}

void markMessages(Transaction& tx, const std::vector<Settlement>& settlements, const Ended& ended,
                  SettleResult& result) {
  Marks sent, ignored, held;
  std::vector<MessageId> returned;
  for (const auto& settlement : settlements) {
    if (!ended.contains(settlement.submission.id)) continue;
    // Only an SMS that was sent gives its reference to its rows.
    const int smsid = settlement.fate == Fate::sent ? smsidOf(settlement.reference) : 0;
    eachMessage(settlement.submission,
                [&](MessageId id, std::optional<std::int64_t> stamp, MessagePlace place) {
                  if (settlement.fate == Fate::returned)
                    returned.push_back(id);
                  else if (settlement.fate == Fate::held)
                    held.push_back({id, settlement.submission.id, stamp});
                  else
                    (settlement.fate == Fate::sent && place == MessagePlace::inText ? sent : ignored)
                        .push_back({id, smsid, stamp});
                });
  }
  if (!returned.empty()) tx.run(sql::unlock, arrayOf(returned));
  Marks all = sent;
  for (const Marks* more : {&ignored, &held}) all.insert(all.end(), more->begin(), more->end());
  result.sent = mark(tx, sql::markSent, std::move(sent));
  result.ignored = mark(tx, sql::markIgnored, std::move(ignored));
  const std::size_t kept = mark(tx, sql::hold, std::move(held));
  // Some rows were changed or replaced meanwhile. A new row with the same id was not noticed by a claim,
  // which took it for the message of this submission.
  if (result.sent + result.ignored + kept == all.size()) return;
  result.lookAgain = true;
  result.replaced = inStatements(std::move(all), [&](const auto& ids, const auto&, const auto& stamps) {
    return static_cast<std::size_t>(tx.number(sql::others, ids, stamps));
  });
}

void moveWaits(Transaction& tx, const std::vector<Settlement>& settlements, const Ended& ended) {
  ArrayLiteral waiting, rounds, milliseconds, reasons, severities, failing, free;
  bool anyWait = false, anyFree = false;
  for (const auto& settlement : settlements) {
    const Submission& submission = settlement.submission;
    if (!ended.contains(submission.id)) continue;
    if (settlement.fate == Fate::returned && settlement.wait) {
      anyWait = true;
      waiting.addBytes(submission.recipient);
      rounds.add(settlement.rounds);
      milliseconds.add(boundedMilliseconds(*settlement.wait));
      reasons.add(settlement.reason);
      severities.add(submission.severity);
      failing.add(settlement.failing);
    } else if (submission.waited) {  // otherwise there is no row
      anyFree = true;
      free.addBytes(submission.recipient);
    }
  }
  if (anyWait)
    tx.run(sql::wait, waiting.str(), rounds.str(), milliseconds.str(), reasons.str(), severities.str(),
           failing.str());
  if (anyFree) tx.run(sql::forgetWaits, free.str());
}

}  // namespace

std::vector<AttemptId> OutboxQueue::recordAttempts(const std::vector<NextAttempt>& next) {
  if (next.empty()) return {};
  return session_.transact([&](Transaction& tx) {
    passFence(tx, me_, clock_);
    ArrayLiteral ids, outcomes, reasons, dispatchers, rounds, failing;
    for (const auto& attempt : next) {
      ids.add(attempt.id);
      outcomes.add(attempt.outcome);
      reasons.add(attempt.reason);
      dispatchers.add(attempt.dispatcher);
      rounds.add(attempt.rounds);
      failing.add(attempt.failing);
    }
    std::unordered_map<SubmissionId, AttemptId> recorded;
    for (const auto& row : tx.run(sql::nextAttempts, me_, ids.str(), outcomes.str(), reasons.str(),
                                  dispatchers.str(), rounds.str(), failing.str()))
      recorded.emplace(row.integer(sql::NextAttempts::id),
                       static_cast<AttemptId>(row.integer(sql::NextAttempts::attempt)));
    std::vector<AttemptId> attempts;
    for (const auto& attempt : next) {
      const auto found = recorded.find(attempt.id);
      if (found == recorded.end())
        throw QueueError(QueueError::Kind::fenced, "submission " + std::to_string(attempt.id) +
                                                       " has ended, or no longer belongs to this supervisor");
      attempts.push_back(found->second);
    }
    return attempts;
  });
}

SettleResult OutboxQueue::settle(const std::vector<Settlement>& settlements) {
  if (settlements.empty()) return {};
  const auto result = session_.transact([&](Transaction& tx) {
    SettleResult settled;
    passFence(tx, me_, clock_);
    const Ended ended = end(tx, me_, settlements);
    markMessages(tx, settlements, ended, settled);
    moveWaits(tx, settlements, ended);
    return settled;
  });
  return forget(settlements, result);
}

/// Removes the recipients from `live_`. Sets `lookAgain` if one of them has messages that may be claimed now.
SettleResult OutboxQueue::forget(const std::vector<Settlement>& settlements, SettleResult result) {
  for (const auto& settlement : settlements) {
    auto live = live_.find(settlement.submission.recipient);
    if (live == live_.end() || live->second.submission != settlement.submission.id) continue;
    const bool left = live->second.passedBy || settlement.fate == Fate::returned ||
                      !settlement.submission.sms.carried.empty();
    if (settlement.wait ? live->second.inTheWay : left) result.lookAgain = true;
    live_.erase(live);
  }
  return result;
}

}  // namespace gammu_outbox
