// SPDX-License-Identifier: GPL-3.0-or-later
// The claim on a queue in a file. See claim.h.
#include "supervisor/queue/sqlite/claim.h"

#include <algorithm>
#include <tuple>

#include "supervisor/queue/claim-rules.h"
#include "supervisor/queue/idempotency-key.h"
#include "supervisor/queue/ranges.h"
#include "supervisor/queue/sqlite/sql-claim.h"
#include "supervisor/queue/sqlite/sql-intake.h"
#include "supervisor/queue/sqlite/sql-pace.h"
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

std::optional<int> severityOf(const SweepPlace& place) {
  if (!place.severity) return std::nullopt;
  return nearestInt(*place.severity);
}

}  // namespace

ClaimResult ClaimTransaction::run() {
  if (place_.since == 0) place_.since = now_.ms;
  if (!place_.until && request_.look == Look::onward)
    place_.until = session_.query(sql::lastMessage).number();
  // No other program changes the tables during this transaction.
  anyHeld_ = session_.query(sql::anyHeld).next();
  anyWait_ = session_.query(sql::anyWait).next();
  anyPace_ = request_.pacing && session_.query(sql::anyPace).next();
  if (session_.query(sql::anyAlertDue).bind(now_.ms).next()) expireAlerts();
  walk();
  if (!taken_.empty()) write();
  const bool over = place_.part == SweepPlace::Part::end;
  result_.atEnd = over && !place_.cameLater;
  if (result_.atEnd) result_.nextDue = nextDue();
  if (over) place_ = SweepPlace{};
  for (Taken& taken : taken_) result_.submissions.push_back(std::move(taken.submission));
  return std::move(result_);
}

void ClaimTransaction::walk() {
  std::size_t rows = 0;
  bool byRecipient = true;
  while (place_.part != SweepPlace::Part::end && rows < maxLooked) {
    const auto heads = page(std::clamp(request_.limit + 1, leastPage, mostPage));
    for (const Head& head : heads) {
      if (!visit(head)) return;
      ++rows;
    }
    if (byRecipient && pacedRows_ >= pacedRowsAtMost) {
      if (lookAtRecipients() != Looked::tooMany) return;
      byRecipient = false;
    }
    if (heads.empty()) toNextPart();
  }
}

std::vector<ClaimTransaction::Head> ClaimTransaction::page(std::size_t size) {
  std::vector<Head> heads;
  const auto room = [&] { return static_cast<std::int64_t>(size - heads.size()); };
  using sql::Walk;
  const auto add = [&](Row<Walk>& row) {
    while (row.next()) {
      Head head{place_, row.text(Walk::phone)};
      if (place_.part == SweepPlace::Part::graded) head.at.severity = row.integer(Walk::severity);
      head.at.time = row.text(Walk::time);
      head.at.id = row.integer(Walk::id);
      heads.push_back(std::move(head));
    }
  };
  {
    auto row = session_.query(sql::onwardInTime);
    add(row.bind(place_.severity, place_.time, place_.id, room()));
  }
  if (room() > 0) {
    auto row = session_.query(sql::onwardInSeverity);
    add(row.bind(place_.severity, place_.time, room()));
  }
  if (room() > 0 && place_.part == SweepPlace::Part::graded) {
    auto row = session_.query(sql::onward);
    add(row.bind(place_.severity, room()));
  }
  return heads;
}

void ClaimTransaction::moveTo(const Head& head) {
  const bool cameLater = place_.cameLater;
  place_ = head.at;
  place_.cameLater = cameLater;
}

void ClaimTransaction::toNextPart() {
  SweepPlace next;
  next.part = place_.part == SweepPlace::Part::graded ? SweepPlace::Part::ungraded : SweepPlace::Part::end;
  next.severity.reset();
  next.since = place_.since;
  next.until = place_.until;
  next.cameLater = place_.cameLater;
  place_ = next;
}

/// Returns false to end the walk: the limit is reached, or no further row is severe enough.
bool ClaimTransaction::visit(const Head& head) {
  if (taken_.size() == request_.limit) return false;
  const auto severity = severityOf(head.at);
  if (request_.moreSevereThan && !moreSevere(severity, request_.moreSevereThan)) return false;
  moveTo(head);
  if (anyHeld_ && session_.query(sql::isHeld).bind(head.at.id).next()) return true;
  if (!looked_.insert(head.recipient).second) {
    if (paced_.contains(head.recipient)) ++pacedRows_;
    return true;
  }
  if (auto live = session_.query(sql::isLive); live.bind(head.recipient).next()) {
    if (moreSevere(severity, live.optionalInt(sql::Live::severity)))
      result_.inTheWay.push_back({live.integer(sql::Live::id), *severity});
    return true;
  }
  if (request_.leaveOut && request_.leaveOut(head.recipient)) {
    noteLeftOut(result_, head.recipient);
    return true;
  }
  const auto past = pastOf(head);
  if (!past) return true;
  const auto decision = paceOf(head);
  if (decision && decision->waits()) {
    paced_.insert(head.recipient);
    result_.paced.push_back({head.recipient, *decision});
    return true;
  }
  if (place_.until && head.at.id > *place_.until) {
    looked_.erase(head.recipient);  // a later row of this recipient may have a lower id
    return place_.cameLater = true;
  }
  if (request_.expireAfter) expire(head.recipient, clock_.stretched(*request_.expireAfter));
  std::optional<Duration> silence;
  if (decision && decision->departure == pace::Departure::last) silence = decision->wait;
  if (auto found = read(head.recipient, silence)) {
    found->submission.waited = past->waited;
    found->submission.rounds = past->rounds;
    found->submission.failing = past->failing;
    taken_.push_back(std::move(*found));
  }
  return true;
}

/// Returns none if no recipient is paced.
std::optional<pace::Decision> ClaimTransaction::paceOf(const Head& head) {
  if (!request_.pacing) return std::nullopt;
  std::optional<pace::Record> record;
  using sql::PaceOf;
  if (anyPace_)
    if (auto row = session_.query(sql::paceOf); row.bind(head.recipient, now_.ms).next())
      record = {.wait = Duration(row.integer(PaceOf::wait)),
                .hourAge = Duration(row.integer(PaceOf::hourAge)),
                .sent = static_cast<int>(row.integer(PaceOf::sent))};
  return pace::decide(record, severityOf(head.at), request_.pacing->rules);
}

std::optional<ClaimTransaction::Head> ClaimTransaction::firstOf(const std::string& recipient) {
  using sql::FirstOf;
  Head head{place_, recipient};
  for (const auto* statement : {&sql::firstGradedOf, &sql::firstUngradedOf}) {
    auto row = session_.query(*statement);
    if (!row.bind(recipient).next()) continue;
    head.at.part = row.isNull(FirstOf::severity) ? SweepPlace::Part::ungraded : SweepPlace::Part::graded;
    head.at.severity = row.optionalInteger(FirstOf::severity);
    head.at.time = row.text(FirstOf::time);
    head.at.id = row.integer(FirstOf::id);
    return head;
  }
  return std::nullopt;
}

/// Looks at one row of each recipient instead of all rows, because thousands of one paced recipient would be
/// passed by again and again. Leaves the place as it was, unless all recipients were seen.
ClaimTransaction::Looked ClaimTransaction::lookAtRecipients() {
  std::vector<Head> heads;
  std::string next;
  using sql::NextRecipient;
  for (std::size_t seen = 0;; ++seen) {
    {
      auto row = session_.query(sql::nextRecipient);
      if (!row.bind(next).next()) break;
      next = row.text(NextRecipient::phone);
    }
    if (seen == pacedLookAtMost) return Looked::tooMany;
    if (!looked_.contains(next))
      if (auto head = firstOf(next)) heads.push_back(std::move(*head));
    next += '\0';  // the text that follows in their order
  }
  std::ranges::sort(heads, {}, [](const Head& head) {
    return std::tuple(!head.at.severity, head.at.severity.value_or(0), std::string_view(head.at.time),
                      head.at.id);
  });
  const SweepPlace from = place_;
  for (const Head& head : heads) {
    if (visit(head)) continue;
    const bool cameLater = place_.cameLater;
    place_ = from;
    place_.cameLater = cameLater;
    return Looked::atSome;
  }
  place_.part = SweepPlace::Part::end;
  return Looked::atAll;
}

/// Returns none if the recipient waits. A message that is more severe than all that wait ends the wait, and
/// the rounds and failures so far are forgotten.
std::optional<ClaimTransaction::Past> ClaimTransaction::pastOf(const Head& head) {
  using sql::WaitOf;
  if (!anyWait_) return Past{};
  auto wait = session_.query(sql::waitOf);
  if (!wait.bind(head.recipient, now_.ms, std::int64_t{request_.longestWait.count()}).next()) return Past{};
  Past past{.waited = true};
  if (wait.flag(WaitOf::inForce)) {
    if (moreSevere(severityOf(head.at), wait.optionalInt(WaitOf::severity))) return past;
    return std::nullopt;
  }
  past.rounds = static_cast<int>(wait.integer(WaitOf::rounds));
  if (const auto since = wait.optionalInteger(WaitOf::since))
    past.failing = clock_.withoutSteps(Duration(now_.ms - *since), Duration(wait.integer(WaitOf::noted)));
  return past;
}

void ClaimTransaction::expire(const std::string& recipient, Duration age) {
  if (!session_.query(sql::isAnyOld).bind(now_.text, recipient, std::int64_t{age.count()}).next()) return;
  std::vector<format::MessageId> ids;
  {
    auto row = session_.query(sql::expire);
    for (row.bind(now_.text, recipient, std::int64_t{age.count()}); row.next();)
      ids.push_back(row.integer(sql::Expired::id));
  }
  recordIgnored(session_, ids, "expired", now_);
  result_.expired += ids.size();
}

/// Expires alerts of all recipients, because their time of expiry finds them. Those in progress and those
/// held stay due.
void ClaimTransaction::expireAlerts() {
  std::vector<format::MessageId> ids;
  {
    auto row = session_.query(sql::expireAlerts);
    for (row.bind(now_.text, now_.ms); row.next();) ids.push_back(row.integer(sql::ExpiredAlert::id));
  }
  recordIgnored(session_, ids, "expired", now_);
  result_.expired += ids.size();
  session_.query(sql::forgetDueAlerts).bind(now_.ms).run();
}

/// Returns none if all of the recipient's messages have expired.
/// `silence`: this is the last SMS of its hour.
std::optional<ClaimTransaction::Taken> ClaimTransaction::read(const std::string& recipient,
                                                              std::optional<Duration> silence) {
  std::vector<format::Message> messages;
  std::vector<std::int64_t> stamps;
  Taken taken;
  {
    using sql::Read;
    auto row = session_.query(sql::read);
    for (row.bind(recipient, std::int64_t{messagesAtATime}); row.next();) {
      const std::string time = row.text(Read::time);
      if (messages.empty()) {
        taken.firstTime = time;
        taken.submission.queuedFor = ageOf(time, now_.ms);
      }
      messages.push_back({row.integer(Read::id), row.text(Read::msg), row.optionalInt(Read::severity)});
      stamps.push_back(stampOf(time, recipient, messages.back().text));
    }
  }
  if (messages.empty()) return std::nullopt;
  Submission& submission = taken.submission;
  submission.recipient = recipient;
  submission.dispatcher = request_.dispatcher;
  submission.severity = messages.front().severity;
  submission.first = messages.front().id;
  submission.sms = silence ? request_.pacing->last(messages, *silence) : request_.format(messages);
  submission.stamps = stampsOf(submission.sms, messages, stamps);
  return taken;
}

void ClaimTransaction::write() {
  // The row by which a recipient was found may not be the first of its messages any more.
  sortAsQueue(taken_);
  std::int64_t attempt = takeAttemptIds(session_, taken_.size(), lastAttempt_);
  for (auto& [submission, firstTime] : taken_) {
    submission.attempt = static_cast<AttemptId>(attempt);
    const format::FormattedSms& sms = submission.sms;
    session_.query(sql::write)
        .bind(submission.recipient, me_, attempt++, request_.dispatcher, sms.text, encodingName(sms.encoding),
              static_cast<std::int64_t>(sms.units), static_cast<std::int64_t>(sms.parts), listOf(sms.sent),
              listOf(sms.ignored), submission.severity, submission.first, submission.rounds, now_.text,
              since(submission.failing, now_.ms), listOf(submission.stamps))
        .run();
    submission.id = session_.lastId();
    submission.key = idempotencyKey(keyPrefix_, submission.id, submission.stamps);
  }
}

// Waits that ended during this pass count as due now, because the walk may have passed their recipients
// before.
std::optional<Duration> ClaimTransaction::nextDue() {
  // After a cancellation a wait may have no messages, and its rounds must not count for a later message.
  session_.query(sql::forgetDueWaits).bind(now_.ms).run();
  auto row = session_.query(sql::nextDue);
  row.bind(std::min(place_.since, now_.ms)).next();
  if (row.isNull(sql::NextDue::earliest)) return std::nullopt;
  return std::clamp(Duration(row.integer(sql::NextDue::earliest) - now_.ms), Duration(0),
                    request_.longestWait);
}

void recordIgnored(Session& session, const std::vector<format::MessageId>& ids, std::string_view reason,
                   const Now& now) {
  if (!ids.empty()) session.query(sql::recordIgnored).bind(reason, now.text, listOf(ids)).run();
}

std::int64_t takeAttemptIds(Session& session, std::size_t count, AttemptId& last) {
  const auto many = static_cast<std::int64_t>(count);
  const std::int64_t taken = session.query(sql::takeAttemptIds).bind(many).number();
  last = std::max(last, static_cast<AttemptId>(taken));
  return taken - many + 1;
}

ClaimResult SqliteQueue::claim(const ClaimRequest& request) {
  return on([&](Session& session) {
    Transaction tx(session);
    passFence(session);
    const Now now = clock(session);
    ClaimTransaction claiming(session, request, me_, connection_->keyPrefix, lastAttempt_, clock_, now,
                              request.look == Look::onward ? onward_ : SweepPlace{});
    ClaimResult result = claiming.run();
    tx.commit();
    if (request.look == Look::onward) onward_ = claiming.place();
    return result;
  });
}

}  // namespace smsd::queue::sqlite
