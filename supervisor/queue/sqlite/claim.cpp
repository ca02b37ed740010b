// SPDX-License-Identifier: GPL-3.0-or-later
// Claims on a queue in a file. See queue.h.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "supervisor/queue/claim-rules.h"
#include "supervisor/queue/idempotency-key.h"
#include "supervisor/queue/ranges.h"
#include "supervisor/queue/sqlite/queue.h"
#include "supervisor/queue/sqlite/sql-claim.h"
#include "supervisor/queue/sqlite/stamp.h"
#include "supervisor/queue/sqlite/values.h"
#include "supervisor/queue/stamps.h"
#include "supervisor/queue/stored-names.h"

namespace smsd::queue::sqlite {
namespace {

constexpr std::size_t mostPage = 512;  // rows
// Rows that one claim looks at: even if many recipients at the head are live or wait, it must not hold the
// write lock for long.
constexpr std::size_t maxLooked = 20'000;

}  // namespace

std::vector<SqliteQueue::Head> SqliteQueue::page(Session& session, const Place& place, std::size_t size) {
  std::vector<Head> heads;
  const auto room = [&] { return static_cast<std::int64_t>(size - heads.size()); };
  const auto read = [&](Query& row) {
    while (row.next()) {
      Head head{place, row.text(3)};
      if (place.part == Place::Part::graded) head.at.severity = row.integer(0);
      head.at.time = row.text(1);
      head.at.id = row.integer(2);
      heads.push_back(std::move(head));
    }
  };
  {
    auto row = session.query(sql::onwardInTime);
    read(row.bind(place.severity, place.time, place.id, room()));
  }
  if (room() > 0) {
    auto row = session.query(sql::onwardInSeverity);
    read(row.bind(place.severity, place.time, room()));
  }
  if (room() > 0 && place.part == Place::Part::graded) {
    auto row = session.query(sql::onward);
    read(row.bind(place.severity, room()));
  }
  return heads;
}

SqliteQueue::Place SqliteQueue::nextPart(const Place& place) {
  Place next;
  next.part = place.part == Place::Part::graded ? Place::Part::ungraded : Place::Part::end;
  next.severity.reset();
  next.since = place.since;
  next.until = place.until;
  next.cameLater = place.cameLater;
  return next;
}

std::vector<SqliteQueue::Taken> SqliteQueue::walk(Session& session, const ClaimRequest& request,
                                                  const Now& now, Place& place, ClaimResult& result) {
  std::vector<Taken> taken;
  std::unordered_set<std::string> looked;
  std::size_t rows = 0;
  while (place.part != Place::Part::end && rows < maxLooked) {
    const auto heads = page(session, place, std::clamp(request.limit + 1, leastPage, mostPage));
    for (const Head& head : heads) {
      if (taken.size() == request.limit) return taken;
      if (request.moreSevereThan && !moreSevere(severityOf(head.at), request.moreSevereThan)) return taken;
      const bool cameLater = place.cameLater;
      place = head.at;
      place.cameLater = cameLater;
      ++rows;
      if (session.query(sql::isHeld).bind(head.at.id).next()) continue;
      if (!looked.insert(head.recipient).second) continue;
      if (auto live = session.query(sql::isLive); live.bind(head.recipient).next()) {
        const auto severity = severityOf(head.at);
        if (moreSevere(severity, live.optionalInt(1)))
          result.inTheWay.push_back({live.integer(0), *severity});
        continue;
      }
      const auto past = pastOf(session, request, head, now);
      if (!past) continue;
      if (place.until && head.at.id > *place.until) {
        place.cameLater = true;
        looked.erase(head.recipient);  // a later row of this recipient may have a lower id
        continue;
      }
      if (request.expireAfter)
        result.expired += expire(session, head.recipient, clock_.stretched(*request.expireAfter), now);
      if (auto found = read(session, request, head.recipient)) {
        found->submission.rounds = past->rounds;
        found->submission.failing = past->failing;
        taken.push_back(std::move(*found));
      }
    }
    if (heads.empty()) place = nextPart(place);
  }
  return taken;
}

std::optional<int> SqliteQueue::severityOf(const Place& place) {
  if (!place.severity) return std::nullopt;
  return nearestInt(*place.severity);
}

/// A message that is more severe than all that wait ends the wait, and the rounds and failures so far are
/// forgotten. A wait that was noted after `now`, or ends later than a wait can, was caused by a stepped
/// clock, and is over.
std::optional<SqliteQueue::Past> SqliteQueue::pastOf(Session& session, const ClaimRequest& request,
                                                     const Head& head, const Now& now) const {
  auto wait = session.query(sql::waitOf);
  if (!wait.bind(head.recipient).next()) return Past{};
  const std::int64_t due = wait.integer(1), noted = wait.integer(4);
  if (due > now.ms && due - now.ms <= request.longestWait.count() && noted <= now.ms) {
    if (moreSevere(severityOf(head.at), wait.optionalInt(2))) return Past{};
    return std::nullopt;
  }
  Past past{.rounds = static_cast<int>(wait.integer(0)), .failing = std::nullopt};
  if (const auto since = wait.optionalInteger(3))
    past.failing = clock_.withoutSteps(Duration(now.ms - *since), Duration(noted));
  return past;
}

std::size_t SqliteQueue::expire(Session& session, const std::string& recipient, Duration age,
                                const Now& now) {
  std::vector<format::MessageId> ids;
  {
    auto row = session.query(sql::expire);
    for (row.bind(now.text, recipient, std::int64_t{age.count()}); row.next();) ids.push_back(row.integer(0));
  }
  recordIgnored(session, ids, "expired", now);
  return ids.size();
}

void SqliteQueue::recordIgnored(Session& session, const std::vector<format::MessageId>& ids,
                                std::string_view reason, const Now& now) {
  if (!ids.empty()) session.query(sql::recordIgnored).bind(reason, now.text, listOf(ids)).run();
}

std::optional<SqliteQueue::Taken> SqliteQueue::read(Session& session, const ClaimRequest& request,
                                                    const std::string& recipient) {
  std::vector<format::Message> messages;
  std::vector<std::int64_t> stamps;
  Taken taken;
  {
    auto row = session.query(sql::messagesToSend);
    for (row.bind(recipient, std::int64_t{messagesAtATime}); row.next();) {
      const std::string time = row.text(3);
      if (messages.empty()) taken.firstTime = time;
      messages.push_back({row.integer(0), row.text(1), row.optionalInt(2)});
      stamps.push_back(stampOf(time, recipient, messages.back().text));
    }
  }
  if (messages.empty()) return std::nullopt;  // all of them had expired
  taken.submission.recipient = recipient;
  taken.submission.dispatcher = request.dispatcher;
  taken.submission.severity = messages.front().severity;
  taken.submission.first = messages.front().id;
  taken.submission.sms = request.format(messages);
  taken.submission.stamps = stampsOf(taken.submission.sms, messages, stamps);
  return taken;
}

std::int64_t SqliteQueue::takeAttemptIds(Session& session, std::size_t count) {
  const auto many = static_cast<std::int64_t>(count);
  const std::int64_t last = session.query(sql::takeAttemptIds).bind(many).number();
  lastAttempt_ = std::max(lastAttempt_, static_cast<AttemptId>(last));
  return last - many + 1;
}

void SqliteQueue::submit(Session& session, std::vector<Taken>& taken, const ClaimRequest& request,
                         const Now& now) {
  // The row by which a recipient was found may not be the first of its messages any more.
  sortAsQueue(taken);
  std::int64_t attempt = takeAttemptIds(session, taken.size());
  for (auto& [submission, firstTime] : taken) {
    submission.attempt = static_cast<AttemptId>(attempt);
    const format::FormattedSms& sms = submission.sms;
    submission.id = session.query(sql::submit)
                        .bind(submission.recipient, me_, attempt++, request.dispatcher, sms.text,
                              encodingName(sms.encoding), static_cast<std::int64_t>(sms.units),
                              static_cast<std::int64_t>(sms.parts), listOf(sms.sent), listOf(sms.ignored),
                              submission.severity, submission.first, submission.rounds, now.text,
                              since(submission.failing, now.ms), listOf(submission.stamps))
                        .number();
    submission.key = idempotencyKey(connection_->keyPrefix, submission.id, submission.stamps);
  }
}

// Waits that ended during this pass count as due now, because the walk may have passed their recipients
// before.
std::optional<Duration> SqliteQueue::nextDue(Session& session, const ClaimRequest& request,
                                             const Place& place, const Now& now) {
  // After a cancellation a wait may have no messages, and its rounds must not count for a later message.
  session.query(sql::forgetWaits).bind(now.ms).run();
  auto row = session.query(sql::nextDue);
  row.bind(std::min(place.since, now.ms)).next();
  if (row.isNull(0)) return std::nullopt;
  return std::clamp(Duration(row.integer(0) - now.ms), Duration(0), request.longestWait);
}

ClaimResult SqliteQueue::claim(const ClaimRequest& request) {
  return on([&](Session& session) {
    Transaction tx(session);
    passFence(session);
    const Now now = clock(session);
    Place place = request.look == Look::onward ? onward_ : Place{};
    if (place.since == 0) place.since = now.ms;
    if (!place.until && request.look == Look::onward) place.until = session.query(sql::lastMessage).number();
    ClaimResult result;
    std::vector<Taken> taken = walk(session, request, now, place, result);
    if (!taken.empty()) submit(session, taken, request, now);
    const bool over = place.part == Place::Part::end;
    result.atEnd = over && !place.cameLater;
    if (result.atEnd) result.nextDue = nextDue(session, request, place, now);
    tx.commit();
    if (request.look == Look::onward) onward_ = over ? Place{} : place;
    for (Taken& one : taken) result.submissions.push_back(std::move(one.submission));
    return result;
  });
}

}  // namespace smsd::queue::sqlite
