// Attempts and settlements of the PostgreSQL backend: the second transaction in the life of a submission.
//
// Owns what happens to the messages and to the recipient when a submission ends. Called through queue.h.
// Settles nothing that was not ours and live when the transaction came to it, so that a call may be repeated.
// Fails as queue.h says.
#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_set>

#include "supervisor/queue/postgresql-queue.h"
#include "supervisor/queue/postgresql-sql.h"
#include "supervisor/queue/postgresql-values.h"

namespace smsd::queue {

namespace {

const char* fateName(Fate fate) {
  switch (fate) {
    case Fate::sent:
      return "sent";
    case Fate::ignored:
      return "ignored";
    case Fate::returned:
      return "returned";
    case Fate::held:
      return "held";
  }
  return "";
}

using Ended = std::unordered_set<SubmissionId>;

/// In the order of their submissions, for statements that find each value by a binary search.
template <typename T, typename Id>
std::vector<const T*> sortedBy(const std::vector<T>& all, Id id) {
  std::vector<const T*> sorted;
  sorted.reserve(all.size());
  for (const auto& one : all) sorted.push_back(&one);
  std::sort(sorted.begin(), sorted.end(), [&](const T* a, const T* b) { return id(*a) < id(*b); });
  return sorted;
}

Ended end(Work& work, SupervisorId me, const std::vector<Settlement>& settlements) {
  ArrayLiteral ids, places, fates, outcomes, reasons, references, recipients;
  std::map<std::tuple<Fate, std::string_view, std::string_view>, std::size_t> ends;  // few that differ
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
  for (const auto& row : work.run(sql::end, me, ids.str(), places.str(), fates.str(), outcomes.str(),
                                  reasons.str(), references.str(), recipients.str()))
    ended.insert(row[0].as<SubmissionId>());
  return ended;
}

using Marks = std::vector<std::pair<MessageId, std::int64_t>>;  // a message and its smsid, or its submission

std::size_t mark(Work& work, const char* statement, Marks marks) {
  if (marks.empty()) return 0;
  std::sort(marks.begin(), marks.end());  // the statement finds each value by a binary search
  ArrayLiteral ids, values;
  for (const auto& [id, value] : marks) {
    ids.add(id);
    values.add(value);
  }
  return work.run(statement, ids.str(), values.str()).affected_rows();
}

void markMessages(Work& work, const std::vector<Settlement>& settlements, const Ended& ended,
                  SettleResult& result) {
  Marks sent, ignored, held;
  for (const auto& settlement : settlements) {
    if (settlement.fate == Fate::returned || !ended.contains(settlement.submission.id)) continue;
    const FormattedSms& sms = settlement.submission.sms;
    if (settlement.fate == Fate::held) {
      for (const auto* ids : {&sms.sent, &sms.ignored})
        for (MessageId id : *ids) held.emplace_back(id, settlement.submission.id);
      continue;
    }
    const int smsid = smsidOf(settlement.reference);
    Marks& rest = settlement.fate == Fate::ignored ? ignored : sent;
    for (MessageId id : sms.ignored) ignored.emplace_back(id, smsid);
    for (MessageId id : sms.sent) rest.emplace_back(id, smsid);
  }
  result.sent = mark(work, sql::markSent, std::move(sent));
  result.ignored = mark(work, sql::markIgnored, std::move(ignored));
  mark(work, sql::hold, std::move(held));
}

void moveWaits(Work& work, const std::vector<Settlement>& settlements, const Ended& ended) {
  ArrayLiteral waiting, rounds, milliseconds, reasons, severities, free;
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
    } else if (submission.waited) {  // else there is no row
      anyFree = true;
      free.addBytes(submission.recipient);
    }
  }
  if (anyWait)
    work.run(sql::wait, waiting.str(), rounds.str(), milliseconds.str(), reasons.str(), severities.str());
  if (anyFree) work.run(sql::forgetWaits, free.str());
}

}  // namespace

std::vector<AttemptId> PostgresqlQueue::recordAttempts(const std::vector<NextAttempt>& next) {
  if (next.empty()) return {};
  return session_.transact([&](Work& work) {
    passFence(work, me_);
    ArrayLiteral ids, outcomes, reasons, dispatchers;
    for (const auto* attempt : sortedBy(next, [](auto& one) { return one.id; })) {
      ids.add(attempt->id);
      outcomes.add(attempt->outcome);
      reasons.add(attempt->reason);
      dispatchers.add(attempt->dispatcher);
    }
    std::unordered_map<SubmissionId, AttemptId> recorded;
    for (const auto& row :
         work.run(sql::nextAttempts, me_, ids.str(), outcomes.str(), reasons.str(), dispatchers.str()))
      recorded.emplace(row[0].as<SubmissionId>(), row[1].as<AttemptId>());
    std::vector<AttemptId> attempts;
    for (const auto& attempt : next) {
      auto found = recorded.find(attempt.id);
      if (found == recorded.end())
        throw QueueError(QueueError::Kind::fenced,
                         "submission " + std::to_string(attempt.id) + " has ended or is not ours any more");
      attempts.push_back(found->second);
    }
    return attempts;
  });
}

SettleResult PostgresqlQueue::settle(const std::vector<Settlement>& settlements) {
  if (settlements.empty()) return {};
  auto result = session_.transact([&](Work& work) {
    SettleResult settled;
    passFence(work, me_);
    const Ended ended = end(work, me_, settlements);
    markMessages(work, settlements, ended, settled);
    moveWaits(work, settlements, ended);
    return settled;
  });
  return forget(settlements, result);
}

/// The recipients are free again; says whether somebody is worth another look.
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

}  // namespace smsd::queue
