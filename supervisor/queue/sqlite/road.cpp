// SPDX-License-Identifier: GPL-3.0-or-later
// Claims, attempts and settlements on a queue in a file. See queue.h.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <tuple>
#include <unordered_set>

#include "supervisor/queue/idempotency-key.h"
#include "supervisor/queue/sqlite/queue.h"
#include "supervisor/queue/sqlite/sql.h"
#include "supervisor/queue/sqlite/stamp.h"
#include "supervisor/queue/stamps.h"

namespace smsd::queue::sqlite {
namespace {

using Kind = QueueError::Kind;

constexpr std::size_t leastPage = 64, mostPage = 512;  // rows
// Rows that one claim looks at: even if many recipients at the head are live or wait, it must not hold the
// write lock for long.
constexpr std::size_t maxLooked = 20'000;
// Messages of one recipient for one SMS.
constexpr std::int64_t maxMessages = 1000;

std::string listOf(const std::vector<format::MessageId>& ids) {
  return fmt::format("[{}]", fmt::join(ids, ","));
}

// smsq.smsid is an integer. Any other reference is kept in the submission only. NAV's smsd crashes at it, and
// then sends the SMS again.
int smsidOf(const std::string& reference) {
  int value = 0;
  const char* end = reference.data() + reference.size();
  const auto [stopped, error] = std::from_chars(reference.data(), end, value);
  return error == std::errc{} && stopped == end ? value : 0;
}

std::optional<std::int64_t> since(const std::optional<Duration>& failing, std::int64_t now) {
  if (!failing) return std::nullopt;
  return now - failing->count();
}

std::string_view nameOf(Fate fate) {
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

std::vector<SqliteQueue::Head> SqliteQueue::page(Database& db, const Cursor& cursor, std::size_t size) {
  std::vector<Head> heads;
  const auto room = [&] { return static_cast<std::int64_t>(size - heads.size()); };
  const auto read = [&](Query& row) {
    while (row.next()) {
      Head head{cursor, row.text(3)};
      if (cursor.phase == Cursor::Phase::severe) head.at.severity = row.integer(0);
      head.at.time = row.text(1);
      head.at.id = row.integer(2);
      heads.push_back(std::move(head));
    }
  };
  {
    auto row = db.query(sql::onwardInTime);
    read(row.bind(cursor.severity, cursor.time, cursor.id, room()));
  }
  if (room() > 0) {
    auto row = db.query(sql::onwardInSeverity);
    read(row.bind(cursor.severity, cursor.time, room()));
  }
  if (room() > 0 && cursor.phase == Cursor::Phase::severe) {
    auto row = db.query(sql::onward);
    read(row.bind(cursor.severity, room()));
  }
  return heads;
}

SqliteQueue::Cursor SqliteQueue::nextPhase(const Cursor& cursor) {
  Cursor next;
  next.phase = cursor.phase == Cursor::Phase::severe ? Cursor::Phase::others : Cursor::Phase::end;
  next.severity.reset();
  next.since = cursor.since;
  next.until = cursor.until;
  next.cameLater = cursor.cameLater;
  return next;
}

std::vector<SqliteQueue::Draft> SqliteQueue::walk(Database& db, const ClaimRequest& request, const Now& now,
                                                  Cursor& cursor, ClaimResult& result) {
  std::vector<Draft> drafts;
  std::unordered_set<std::string> looked;
  std::size_t rows = 0;
  while (cursor.phase != Cursor::Phase::end && rows < maxLooked) {
    const auto heads = page(db, cursor, std::clamp(request.limit + 1, leastPage, mostPage));
    for (const Head& head : heads) {
      if (drafts.size() == request.limit) return drafts;
      if (request.moreSevereThan && !moreSevere(severityOf(head.at), request.moreSevereThan)) return drafts;
      const bool cameLater = cursor.cameLater;
      cursor = head.at;
      cursor.cameLater = cameLater;
      ++rows;
      if (db.query(sql::isHeld).bind(head.at.id).next()) continue;
      if (!looked.insert(head.recipient).second) continue;
      if (auto live = db.query(sql::isLive); live.bind(head.recipient).next()) {
        const auto severity = severityOf(head.at);
        if (moreSevere(severity, live.optionalInt(1)))
          result.inTheWay.push_back({live.integer(0), *severity});
        continue;
      }
      const auto past = pastOf(db, request, head, now);
      if (!past) continue;
      if (cursor.until && head.at.id > *cursor.until) {
        cursor.cameLater = true;
        looked.erase(head.recipient);  // a later row of this recipient may have a lower id
        continue;
      }
      if (request.expireAfter)
        result.expired += expire(db, head.recipient, clock_.stretched(*request.expireAfter), now);
      if (auto made = draft(db, request, head.recipient)) {
        made->submission.rounds = past->rounds;
        made->submission.failing = past->failing;
        drafts.push_back(std::move(*made));
      }
    }
    if (heads.empty()) cursor = nextPhase(cursor);
  }
  return drafts;
}

std::optional<int> SqliteQueue::severityOf(const Cursor& cursor) {
  if (!cursor.severity) return std::nullopt;
  return static_cast<int>(std::clamp<std::int64_t>(*cursor.severity, INT_MIN, INT_MAX));
}

/// A message that is more severe than all that wait ends the wait, and the rounds and failures so far are
/// forgotten. A wait that was noted after `now`, or ends later than a wait can, was caused by a stepped
/// clock, and is over.
std::optional<SqliteQueue::Past> SqliteQueue::pastOf(Database& db, const ClaimRequest& request,
                                                     const Head& head, const Now& now) const {
  auto wait = db.query(sql::waitOf);
  if (!wait.bind(head.recipient).next()) return Past{};
  const std::int64_t due = wait.integer(1), noted = wait.integer(4);
  if (due > now.ms && due - now.ms <= request.longestWait.count() && noted <= now.ms) {
    if (moreSevere(severityOf(head.at), wait.optionalInt(2))) return Past{};
    return std::nullopt;
  }
  Past past{.rounds = static_cast<int>(wait.integer(0)), .failing = std::nullopt};
  if (const auto since = wait.optionalInteger(3))
    past.failing = std::max(Duration(0), Duration(now.ms - *since) - clock_.aheadSince(Duration(noted)));
  return past;
}

std::size_t SqliteQueue::expire(Database& db, const std::string& recipient, Duration age, const Now& now) {
  std::vector<format::MessageId> ids;
  {
    auto row = db.query(sql::expire);
    for (row.bind(now.text, recipient, std::int64_t{age.count()}); row.next();) ids.push_back(row.integer(0));
  }
  recordIgnored(db, ids, "expired", now);
  return ids.size();
}

void SqliteQueue::recordIgnored(Database& db, const std::vector<format::MessageId>& ids,
                                std::string_view reason, const Now& now) {
  if (!ids.empty()) db.query(sql::recordIgnored).bind(reason, now.text, listOf(ids)).run();
}

std::optional<SqliteQueue::Draft> SqliteQueue::draft(Database& db, const ClaimRequest& request,
                                                     const std::string& recipient) {
  std::vector<format::Message> messages;
  std::vector<std::int64_t> stamps;
  Draft draft;
  {
    auto row = db.query(sql::messagesToSend);
    for (row.bind(recipient, maxMessages); row.next();) {
      const std::string time = row.text(3);
      if (messages.empty()) draft.time = time;
      messages.push_back({row.integer(0), row.text(1), row.optionalInt(2)});
      stamps.push_back(stampOf(time, recipient, messages.back().text));
    }
  }
  if (messages.empty()) return std::nullopt;  // all of them had expired
  draft.submission.recipient = recipient;
  draft.submission.dispatcher = request.dispatcher;
  draft.submission.severity = messages.front().severity;
  draft.submission.first = messages.front().id;
  draft.submission.sms = request.format(messages);
  draft.submission.stamps = stampsOf(draft.submission.sms, messages, stamps);
  return draft;
}

std::int64_t SqliteQueue::takeAttemptIds(Database& db, std::size_t count) {
  const auto many = static_cast<std::int64_t>(count);
  const std::int64_t last = db.query(sql::takeAttemptIds).bind(many).number();
  lastAttempt_ = std::max(lastAttempt_, static_cast<AttemptId>(last));
  return last - many + 1;
}

void SqliteQueue::submit(Database& db, std::vector<Draft>& drafts, const ClaimRequest& request,
                         const Now& now) {
  // The row by which a recipient was found may not be the first of its messages any more.
  std::sort(drafts.begin(), drafts.end(), [](const Draft& a, const Draft& b) {
    const auto rank = [](const Draft& d) {
      return std::tuple(!d.submission.severity, d.submission.severity.value_or(0), std::string_view(d.time),
                        d.submission.first);
    };
    return rank(a) < rank(b);
  });
  std::int64_t attempt = takeAttemptIds(db, drafts.size());
  for (auto& [submission, time] : drafts) {
    submission.attempt = static_cast<AttemptId>(attempt);
    const format::FormattedSms& sms = submission.sms;
    submission.id =
        db.query(sql::submit)
            .bind(submission.recipient, me_, attempt++, request.dispatcher, sms.text,
                  sms.encoding == format::Encoding::ucs2 ? "ucs2" : "gsm7",
                  static_cast<std::int64_t>(sms.units), static_cast<std::int64_t>(sms.parts),
                  listOf(sms.sent), listOf(sms.ignored), submission.severity, submission.first,
                  submission.rounds, now.text, since(submission.failing, now.ms), listOf(submission.stamps))
            .number();
    submission.key = idempotencyKey(connection_->keyPrefix, submission.id, submission.stamps);
  }
}

// Waits that ended during this pass count as due now, because the walk may have passed their recipients
// before.
std::optional<Duration> SqliteQueue::nextDue(Database& db, const ClaimRequest& request, const Cursor& cursor,
                                             const Now& now) {
  // After a cancellation a wait may have no messages, and its rounds must not count for a later message.
  db.query(sql::forgetWaits).bind(now.ms).run();
  auto row = db.query(sql::nextDue);
  row.bind(std::min(cursor.since, now.ms)).next();
  if (row.isNull(0)) return std::nullopt;
  return std::clamp(Duration(row.integer(0) - now.ms), Duration(0), request.longestWait);
}

ClaimResult SqliteQueue::claim(const ClaimRequest& request) {
  return on([&](Database& db) {
    Transaction tx(db);
    requireAlive(db);
    const Now now = clock(db);
    Cursor cursor = request.look == Look::onward ? cursor_ : Cursor{};
    if (cursor.since == 0) cursor.since = now.ms;
    if (!cursor.until && request.look == Look::onward) cursor.until = db.query(sql::lastMessage).number();
    ClaimResult result;
    std::vector<Draft> drafts = walk(db, request, now, cursor, result);
    if (!drafts.empty()) submit(db, drafts, request, now);
    const bool over = cursor.phase == Cursor::Phase::end;
    result.atEnd = over && !cursor.cameLater;
    if (result.atEnd) result.nextDue = nextDue(db, request, cursor, now);
    tx.commit();
    if (request.look == Look::onward) cursor_ = over ? Cursor{} : cursor;
    for (Draft& draft : drafts) result.submissions.push_back(std::move(draft.submission));
    return result;
  });
}

std::vector<AttemptId> SqliteQueue::recordAttempts(const std::vector<NextAttempt>& next) {
  return on([&](Database& db) {
    std::vector<AttemptId> attempts;
    Transaction tx(db);
    requireAlive(db);
    const Now now = clock(db);
    std::int64_t attempt = takeAttemptIds(db, next.size());
    for (const NextAttempt& one : next) {
      {
        auto row = db.query(sql::standing);
        if (!row.bind(one.id).next() || row.integer(0) != me_ || row.integer(1) != 0)
          throw QueueError(Kind::fenced,
                           fmt::format("{}: submission {} is not under way here any more", path_, one.id));
        db.query(sql::recordAttempt)
            .bind(row.integer(2), one.id, row.text(3), now.text, one.outcome, one.reason)
            .run();
      }
      db.query(sql::nextAttempt)
          .bind(attempt, one.dispatcher, one.rounds, since(one.failing, now.ms), one.id)
          .run();
      attempts.push_back(static_cast<AttemptId>(attempt++));
    }
    tx.commit();
    return attempts;
  });
}

void SqliteQueue::mark(Database& db, const Settlement& settlement, const Now& now, SettleResult& result) {
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
        db.query(sql::hold).bind(settlement.submission.id, id, stamp).run();
      else if (settlement.fate == Fate::sent && ids == &sms.sent)
        result.sent += db.query(sql::markSent).bind(smsid, now.text, id, stamp).run();
      else
        result.ignored += db.query(sql::markIgnored).bind(smsid, now.text, id, stamp).run();
    }
}

void SqliteQueue::settleOne(Database& db, const Settlement& settlement, const Now& now,
                            SettleResult& result) {
  const SubmissionId id = settlement.submission.id;
  std::string recipient;
  {
    auto row = db.query(sql::standing);
    if (!row.bind(id).next() || row.integer(0) != me_)
      throw QueueError(Kind::fenced,
                       fmt::format("{}: submission {} is not this supervisor's any more", path_, id));
    if (row.integer(1) != 0) return;  // settled before: the call is repeated
    recipient = row.text(4);
    if (settlement.outcome != "accepted")
      db.query(sql::recordAttempt)
          .bind(row.integer(2), id, row.text(3), now.text, settlement.outcome, settlement.reason)
          .run();
  }
  mark(db, settlement, now, result);
  db.query(sql::end)
      .bind(now.text, nameOf(settlement.fate), settlement.outcome, settlement.reason, settlement.reference,
            id)
      .run();
  if (settlement.fate == Fate::returned && settlement.wait) {
    db.query(sql::wait)
        .bind(recipient, settlement.rounds, now.ms + settlement.wait->count(), settlement.reason,
              settlement.submission.severity, since(settlement.failing, now.ms), now.ms)
        .run();
    // During the wait, only a more severe message can be claimed.
    if (!result.lookAgain)
      result.lookAgain = db.query(sql::hasMoreSevere).bind(recipient, settlement.submission.severity).next();
    return;
  }
  db.query(sql::noWait).bind(recipient).run();
  if (!result.lookAgain) result.lookAgain = db.query(sql::hasUnsent).bind(recipient).next();
}

SettleResult SqliteQueue::settle(const std::vector<Settlement>& settlements) {
  return on([&](Database& db) {
    SettleResult result;
    Transaction tx(db);
    requireAlive(db);
    const Now now = clock(db);
    for (const Settlement& settlement : settlements) settleOne(db, settlement, now, result);
    tx.commit();
    return result;
  });
}

}  // namespace smsd::queue::sqlite
