// SPDX-License-Identifier: GPL-3.0-or-later
// Attempts and settlements of the PostgreSQL backend: the second transaction in the life of a submission.
//
// Owns the changes to messages and recipient when a submission ends. Called through queue.h. Settles only
// submissions that are ours and live when the transaction reaches them, so that a call may be repeated. Fails
// as described in queue.h.
#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_set>

#include "supervisor/queue/postgresql/pace.h"
#include "supervisor/queue/postgresql/queue.h"
#include "supervisor/queue/postgresql/sql-others.h"
#include "supervisor/queue/postgresql/sql-settle.h"
#include "supervisor/queue/postgresql/values.h"
#include "supervisor/queue/smsid.h"
#include "supervisor/queue/stamps.h"
#include "supervisor/queue/stored-names.h"

namespace smsd::queue::postgresql {

namespace {

using Ended = std::unordered_set<SubmissionId>;

/// Sorts by submission, for statements that find each value by a binary search.
template <typename T, typename Id>
std::vector<const T*> sortedBy(const std::vector<T>& all, Id id) {
  std::vector<const T*> sorted;
  sorted.reserve(all.size());
  for (const auto& one : all) sorted.push_back(&one);
  std::sort(sorted.begin(), sorted.end(), [&](const T* a, const T* b) { return id(*a) < id(*b); });
  return sorted;
}

Ended end(Transaction& tx, SupervisorId me, const std::vector<Settlement>& settlements) {
  ArrayLiteral ids, places, fates, outcomes, reasons, references, recipients;
  std::map<std::tuple<Fate, std::string_view, std::string_view>, std::size_t> ends;  // usually few
  for (const auto* settlement : sortedBy(settlements, [](auto& one) { return one.submission.id; })) {
    auto [place, fresh] =
        ends.try_emplace({settlement->fate, settlement->outcome, settlement->reason}, ends.size() + 1);
    if (fresh) {
      fates.add(fateName(settlement->fate));
      outcomes.add(settlement->outcome);
      reasons.add(settlement->reason);
    }
    ids.add(settlement->submission.id);
    places.add(std::uint64_t{place->second});
    references.add(settlement->reference);
    recipients.addBytes(settlement->submission.recipient);
  }
  Ended ended;
  for (const auto& row : tx.run(sql::end, me, ids.str(), places.str(), fates.str(), outcomes.str(),
                                reasons.str(), references.str(), recipients.str()))
    ended.insert(row.integer(sql::Ended::id));
  return ended;
}

struct Mark {
  format::MessageId id = 0;
  std::int64_t value = 0;             // its smsid, or its submission
  std::optional<std::int64_t> stamp;  // of its row at the claim; none: unknown
};
using Marks = std::vector<Mark>;

/// Calls `run(ids, values, stamps)` for all marks, and returns the sum of the results. Two SMS of one batch
/// may contain the same id: one for a former row, one for the row that has the id now. A statement needs
/// distinct sorted ids for its binary search, so the second SMS's message goes into a statement of its own.
template <typename Run>
std::size_t inStatements(Marks marks, Run&& run) {
  std::ranges::stable_sort(marks, {}, &Mark::id);
  std::size_t sum = 0;
  while (!marks.empty()) {
    Marks again;
    ArrayLiteral ids, values, stamps;
    std::optional<format::MessageId> last;
    for (const Mark& one : marks) {
      if (last == one.id) {
        again.push_back(one);
        continue;
      }
      ids.add(one.id);
      values.add(one.value);
      one.stamp ? stamps.add(*one.stamp) : stamps.addNull();
      last = one.id;
    }
    sum += run(ids.str(), values.str(), stamps.str());
    marks = std::move(again);
  }
  return sum;
}

/// Returns the number of marked messages.
std::size_t mark(Transaction& tx, const char* statement, Marks marks) {
  return inStatements(std::move(marks), [&](const auto& ids, const auto& values, const auto& stamps) {
    return tx.run(statement, ids, values, stamps);
  });
}

/// Returns those of the messages that another program had marked as sent before.
std::vector<ForeignMark> markedBefore(Transaction& tx, Marks marks) {
  std::vector<ForeignMark> found;
  inStatements(std::move(marks), [&](const auto& ids, const auto&, const auto& stamps) {
    for (const auto& row : tx.run(sql::markedBefore, ids, stamps))
      found.push_back({row.integer(sql::Marked::id), row.text(sql::Marked::time)});
    return std::size_t{0};
  });
  return found;
}

std::size_t countOthers(Transaction& tx, Marks marks) {
  return inStatements(std::move(marks), [&](const auto& ids, const auto&, const auto& stamps) {
    return static_cast<std::size_t>(tx.number(sql::others, ids, stamps));
  });
}

/// Returns the messages that another program had marked as sent, although their submissions were ours.
std::vector<ForeignMark> markMessages(Transaction& tx, const std::vector<Settlement>& settlements,
                                      const Ended& ended, SettleResult& result) {
  Marks sent, ignored, held;
  for (const auto& settlement : settlements) {
    if (settlement.fate == Fate::returned || !ended.contains(settlement.submission.id)) continue;
    // As in NAV, only an SMS that was sent gives its reference to its rows.
    const int smsid = settlement.fate == Fate::sent ? smsidOf(settlement.reference) : 0;
    eachMessage(settlement.submission,
                [&](format::MessageId id, std::optional<std::int64_t> stamp, MessagePlace place) {
                  if (settlement.fate == Fate::held)
                    held.push_back({id, settlement.submission.id, stamp});
                  else
                    (settlement.fate == Fate::sent && place == MessagePlace::inText ? sent : ignored)
                        .push_back({id, smsid, stamp});
                });
  }
  Marks all = sent;
  for (const Marks* more : {&ignored, &held}) all.insert(all.end(), more->begin(), more->end());
  result.sent = mark(tx, sql::markSent, std::move(sent));
  result.ignored = mark(tx, sql::markIgnored, std::move(ignored));
  const std::size_t kept = mark(tx, sql::hold, std::move(held));
  // Some rows were changed or replaced meanwhile. A new row with the same id was not noticed by a claim,
  // which took it for the message of this submission.
  if (result.sent + result.ignored + kept == all.size()) return {};
  result.lookAgain = true;
  result.replaced = countOthers(tx, all);
  return markedBefore(tx, std::move(all));
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

std::vector<AttemptId> PostgresqlQueue::recordAttempts(const std::vector<NextAttempt>& next) {
  if (next.empty()) return {};
  return session_.transact([&](Transaction& tx) {
    passFence(tx, me_, clock_);
    ArrayLiteral ids, outcomes, reasons, dispatchers, rounds, failing;
    for (const auto* attempt : sortedBy(next, [](auto& one) { return one.id; })) {
      ids.add(attempt->id);
      outcomes.add(attempt->outcome);
      reasons.add(attempt->reason);
      dispatchers.add(attempt->dispatcher);
      rounds.add(attempt->rounds);
      failing.add(attempt->failing);
    }
    std::unordered_map<SubmissionId, AttemptId> recorded;
    for (const auto& row : tx.run(sql::nextAttempts, me_, ids.str(), outcomes.str(), reasons.str(),
                                  dispatchers.str(), rounds.str(), failing.str()))
      recorded.emplace(row.integer(sql::NextAttempts::id),
                       static_cast<AttemptId>(row.integer(sql::NextAttempts::attempt)));
    std::vector<AttemptId> attempts;
    for (const auto& attempt : next) {
      auto found = recorded.find(attempt.id);
      if (found == recorded.end())
        throw QueueError(QueueError::Kind::fenced, "submission " + std::to_string(attempt.id) +
                                                       " has ended, or no longer belongs to this supervisor");
      attempts.push_back(found->second);
    }
    return attempts;
  });
}

SettleResult PostgresqlQueue::settle(const std::vector<Settlement>& settlements) {
  if (settlements.empty()) return {};
  for (const auto& settlement : settlements)  // before: a commit without a reply may have marked them
    if (settlement.fate == Fate::sent)
      eachMessage(settlement.submission,
                  [&](format::MessageId id, const auto&, const auto&) { others_.own(id); });
  std::vector<ForeignMark> foreign;
  auto result = session_.transact([&](Transaction& tx) {
    SettleResult settled;
    passFence(tx, me_, clock_);
    const Ended ended = end(tx, me_, settlements);
    foreign = markMessages(tx, settlements, ended, settled);
    moveWaits(tx, settlements, ended);
    if (paces()) recordPaces(tx, settlements, ended);
    return settled;
  });
  others_.marked(foreign);
  return forget(settlements, result);
}

/// Removes the recipients from `live_`. Sets `lookAgain` if one of them has messages that may be claimed now.
SettleResult PostgresqlQueue::forget(const std::vector<Settlement>& settlements, SettleResult result) {
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

}  // namespace smsd::queue::postgresql
