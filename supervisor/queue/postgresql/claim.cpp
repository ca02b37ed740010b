// SPDX-License-Identifier: GPL-3.0-or-later
// The claim of the PostgreSQL backend. See claim.h.
#include "supervisor/queue/postgresql/claim.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "supervisor/queue/claim-rules.h"
#include "supervisor/queue/idempotency-key.h"
#include "supervisor/queue/postgresql/sql-settle.h"
#include "supervisor/queue/postgresql/values.h"
#include "supervisor/queue/ranges.h"
#include "supervisor/queue/stamps.h"
#include "supervisor/queue/stored-names.h"

namespace smsd::queue::postgresql {

namespace {

constexpr std::size_t scannedPage = 8192;  // without an index, each page scans the whole table
constexpr int mostPages = 16;              // keeps the transaction short, even if many are passed by

}  // namespace

ClaimResult ClaimTransaction::run() {
  if (request_.limit == 0) return {};
  walk();
  if (!candidates_.empty()) {
    // Pass the fence only before something is taken, so that an idle look writes nothing.
    passFence(tx_, me_, clock_);
    take();
    read();
    obeyWaits();
    obeyPaces();
    leaveOutEmpty();
    write();
  }
  if (result_.atEnd) {
    const auto due = tx_.run(sql::nextDue, boundedMilliseconds(request_.longestWait));
    if (!due.empty()) result_.nextDue = Duration(due.front().integer(sql::NextDue::dueIn));
  }
  result_.submissions = ordered();
  return std::move(result_);
}

void ClaimTransaction::walk() {
  const std::size_t size = session_.indexed() ? std::max(request_.limit, leastPage) : scannedPage;
  if (!place_.until && request_.look == Look::onward) place_.until = tx_.number(sql::lastMessage);
  bool byRecipient = session_.indexed();
  for (int pages = 0; pages < mostPages; ++pages) {
    auto rows = page(size);
    learnPaces(rows);
    std::size_t visited = 0;
    while (visited < rows.size() && visit(rows[visited])) ++visited;
    if (visited > 0) moveTo(rows[visited - 1]);
    if (visited < rows.size()) return;
    if (byRecipient && pacedRows_ >= pacedRowsAtMost) {
      if (lookAtRecipients() != Looked::tooMany) return;
      byRecipient = false;
    }
    if (rows.size() == size) {
      if (candidates_.size() == request_.limit) return;
    } else if (place_.part == SweepPlace::Part::graded && session_.indexed()) {
      place_ = SweepPlace{
          .part = SweepPlace::Part::ungraded, .until = place_.until, .cameLater = place_.cameLater};
    } else {
      result_.atEnd = !place_.cameLater;
      place_ = SweepPlace{};
      return;
    }
  }
}

Rows<sql::Walk> ClaimTransaction::page(std::size_t size) {
  const auto longest = boundedMilliseconds(request_.longestWait);
  if (place_.part == SweepPlace::Part::ungraded)
    return tx_.run(sql::walkUngraded, place_.time, place_.id, size, longest);
  return tx_.run(session_.indexed() ? sql::walkGraded : sql::walkAll, place_.severity, place_.time, place_.id,
                 size, longest);
}

void ClaimTransaction::moveTo(const Row<sql::Walk>& row) {
  const auto severity = row.optionalInt(sql::Walk::severity);
  place_.part = severity ? SweepPlace::Part::graded : SweepPlace::Part::ungraded;
  place_.severity = severity.value_or(0);
  place_.time = row.view(sql::Walk::time);
  place_.id = row.integer(sql::Walk::id);
}

/// Returns false to end the walk: the limit is reached, or no further row is severe enough.
bool ClaimTransaction::visit(const Row<sql::Walk>& row) {
  using sql::Walk;
  if (request_.moreSevereThan && !moreSevere(row.optionalInt(Walk::severity), request_.moreSevereThan))
    return false;
  const std::string recipient = row.text(Walk::phone);
  const bool held = row.flag(Walk::held);  // it waits for an operator, unlike its recipient's other messages
  if (row.isNull(Walk::phone) || held || candidates_.contains(recipient)) return true;
  if (auto live = live_.find(recipient); live != live_.end()) {
    const auto& own = live->second.own;
    if (!std::binary_search(own.begin(), own.end(), row.integer(Walk::id))) live->second.passedBy = true;
    if (auto severity = row.optionalInt(Walk::severity); moreSevere(severity, live->second.severity)) {
      live->second.inTheWay = true;
      result_.inTheWay.push_back({live->second.submission, *severity});
    }
    return true;
  }
  if (request_.leaveOut && request_.leaveOut(recipient)) {
    noteLeftOut(result_, recipient);
    return true;
  }
  if (row.flag(Walk::taken) || isPaced(recipient, row.optionalInt(Walk::severity))) return true;
  if (place_.until && row.integer(Walk::id) > *place_.until) return place_.cameLater = true;
  if (candidates_.size() == request_.limit) return false;
  candidates_.insert(recipient);
  return true;
}

/// Looks at one row of each recipient instead of all rows, because thousands of one paced recipient would be
/// passed by again and again. Leaves the place as it was, unless all recipients were seen.
ClaimTransaction::Looked ClaimTransaction::lookAtRecipients() {
  const auto rows =
      tx_.run(sql::walkRecipients, boundedMilliseconds(request_.longestWait), pacedLookAtMost + 1);
  if (rows.size() > pacedLookAtMost) return Looked::tooMany;
  learnPaces(rows);
  using sql::Walk;
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto key = [&](std::size_t at) {
    const auto severity = rows[at].optionalInt(Walk::severity);
    return std::tuple(!severity, severity.value_or(0), rows[at].view(Walk::time), rows[at].integer(Walk::id));
  };
  std::ranges::sort(order, {}, key);
  for (const std::size_t at : order) {
    // Only one row of the recipient is seen, so that others may be there.
    if (auto live = live_.find(rows[at].text(Walk::phone)); live != live_.end()) live->second.passedBy = true;
    if (!visit(rows[at])) return Looked::atSome;
  }
  result_.atEnd = !place_.cameLater;
  place_ = SweepPlace{};
  return Looked::atAll;
}

void ClaimTransaction::learnPaces(const Rows<sql::Walk>& rows) {
  if (pacing_ == nullptr) return;
  std::vector<std::string> recipients;
  for (const auto& row : rows) {
    if (row.isNull(sql::Walk::phone) || row.flag(sql::Walk::taken)) continue;
    std::string recipient = row.text(sql::Walk::phone);
    if (paces_.emplace(recipient, std::nullopt).second) recipients.push_back(std::move(recipient));
  }
  readPaces(tx_, recipients, paces_);
}

bool ClaimTransaction::isPaced(const std::string& recipient, const std::optional<int>& severity) {
  if (pacing_ == nullptr) return false;
  const auto decision = pace::decide(paces_[recipient], severity, pacing_->rules);
  if (!decision.waits()) return false;
  ++pacedRows_;
  if (paced_.insert(recipient).second) result_.paced.push_back({recipient, decision});
  return true;
}

void ClaimTransaction::take() {
  ArrayLiteral recipients;
  for (const auto& recipient : candidates_) recipients.addBytes(recipient);
  auto rows = tx_.run(sql::take, recipients.str(), me_);
  taken_.reserve(rows.size());
  for (const auto& row : rows) {
    Submission& submission = taken_.emplace_back().submission;
    submission.id = row.integer(sql::Take::submission);
    submission.attempt = static_cast<AttemptId>(row.integer(sql::Take::attempt));
    submission.dispatcher = request_.dispatcher;
    submission.recipient = row.text(sql::Take::recipient);
  }
}

void ClaimTransaction::read() {
  if (taken_.empty()) return;
  ArrayLiteral recipients;
  for (const auto& taken : taken_) recipients.addBytes(taken.submission.recipient);
  std::optional<std::string> age;
  if (request_.expireAfter)
    age = std::to_string(boundedMilliseconds(clock_.stretched(*request_.expireAfter)));
  const auto& statement = alerts_ == Alerts::kept ? session_.indexed() ? sql::readByIndex : sql::readInOneScan
                          : session_.indexed()    ? sql::readRowsByIndex
                                                  : sql::readRowsInOneScan;
  auto rows = tx_.run(statement, recipients.str(), age, messagesAtATime + 1,
                      boundedMilliseconds(request_.longestWait));
  using sql::Read;
  for (const auto& row : rows) {
    Taken& taken = taken_[static_cast<std::size_t>(row.integer(Read::n)) - 1];
    const format::MessageId id = row.integer(Read::id);
    if (taken.rows == 0) {  // the wait is the same in all rows of a recipient
      taken.submission.rounds = static_cast<int>(row.integer(Read::rounds));
      taken.submission.waited = !row.isNull(Read::waits);
      taken.waits = taken.submission.waited && row.flag(Read::waits);
      taken.waitsFor = row.optionalInt(Read::waitsFor);
      taken.submission.failing = failing(row);
    }
    if (++taken.rows > messagesAtATime) {
      unfinished_.push_back(taken.submission.recipient);
    } else if (row.flag(Read::old)) {
      expired_.push_back(id);
    } else {
      if (taken.messages.empty()) {
        taken.firstTime = row.view(Read::time);
        taken.submission.queuedFor = elapsed(row.optionalInteger(Read::age));
      }
      taken.messages.push_back({id, row.text(Read::msg), row.optionalInt(Read::severity)});
      taken.stamps.push_back(row.integer(Read::stamp));
    }
  }
}

/// Returns the time since the recipient's first counted failure, without steps ahead of the clock since then.
std::optional<Duration> ClaimTransaction::failing(const Row<sql::Read>& row) const {
  auto since = elapsed(row.optionalInteger(sql::Read::failing));
  if (since) since = clock_.withoutSteps(*since, Duration(row.integer(sql::Read::noted)));
  return since;
}

/// Skips waiting recipients, unless one has a message that is more severe than all that wait. Such a message
/// ends the wait, and the rounds and failures so far are forgotten.
void ClaimTransaction::obeyWaits() {
  for (auto& taken : taken_) {
    if (!taken.waits || taken.messages.empty()) continue;
    if (moreSevere(taken.messages.front().severity, taken.waitsFor)) {
      taken.submission.rounds = 0;
      taken.submission.failing.reset();
      woken_.push_back(taken.submission.recipient);
    } else {
      taken.messages.clear();
    }
  }
}

/// Skips paced recipients. Their records are read again, because another supervisor may have sent an SMS
/// since the walk.
void ClaimTransaction::obeyPaces() {
  if (pacing_ == nullptr) return;
  std::vector<std::string> recipients;
  for (const auto& taken : taken_)
    if (!taken.messages.empty()) recipients.push_back(taken.submission.recipient);
  readPaces(tx_, recipients, paces_);
  for (auto& taken : taken_) {
    if (taken.messages.empty()) continue;
    const auto severity = taken.messages.front().severity;
    if (isPaced(taken.submission.recipient, severity)) {
      taken.messages.clear();
      continue;
    }
    const auto decision = pace::decide(paces_[taken.submission.recipient], severity, pacing_->rules);
    if (decision.departure == pace::Departure::last) taken.silence = decision.wait;
  }
}

/// Expires old messages, and ends the claims of recipients that have nothing to send now. Their messages
/// vanished between walk() and read() (NAV's smsd then sends an empty SMS), all of them expired, or another
/// supervisor has just set a wait.
void ClaimTransaction::leaveOutEmpty() {
  if (!expired_.empty()) result_.expired = tx_.run(sql::expire, arrayOf(expired_));
  auto silent = std::stable_partition(taken_.begin(), taken_.end(),
                                      [](const Taken& taken) { return !taken.messages.empty(); });
  if (silent == taken_.end()) return;
  ArrayLiteral recipients;
  for (auto taken = silent; taken != taken_.end(); ++taken) recipients.addBytes(taken->submission.recipient);
  taken_.erase(silent, taken_.end());
  tx_.run(sql::endClaims, recipients.str());
}

void ClaimTransaction::write() {
  if (taken_.empty()) return;
  if (!woken_.empty()) {
    ArrayLiteral recipients;
    for (const auto& recipient : woken_) recipients.addBytes(recipient);
    tx_.run(sql::forgetWaits, recipients.str());
  }
  ArrayLiteral ids, attempts, recipients, texts, encodings, units, parts, sent, ignored, severities, firsts,
      rounds, stamps, failing;
  for (auto& taken : taken_) {
    Submission& submission = taken.submission;
    submission.sms =
        taken.silence ? pacing_->last(taken.messages, *taken.silence) : request_.format(taken.messages);
    submission.severity = taken.messages.front().severity;
    submission.first = taken.messages.front().id;
    submission.stamps = stampsOf(submission.sms, taken.messages, taken.stamps);
    submission.key = idempotencyKey(keyPrefix_, submission.id, submission.stamps);
    ids.add(submission.id);
    attempts.add(submission.attempt);
    recipients.addBytes(submission.recipient);
    texts.add(submission.sms.text);
    encodings.add(encodingName(submission.sms.encoding));
    units.add(std::uint64_t{submission.sms.units});
    parts.add(std::uint64_t{submission.sms.parts});
    sent.addBytes(arrayOf(submission.sms.sent));
    ignored.addBytes(arrayOf(submission.sms.ignored));
    severities.add(submission.severity);
    firsts.add(submission.first);
    rounds.add(submission.rounds);
    stamps.addBytes(arrayOf(submission.stamps));
    failing.add(submission.failing);
  }
  tx_.run(sql::write, ids.str(), attempts.str(), recipients.str(), texts.str(), encodings.str(), units.str(),
          parts.str(), sent.str(), ignored.str(), severities.str(), firsts.str(), rounds.str(), stamps.str(),
          failing.str(), me_, storable(request_.dispatcher));
}

/// Returns the submissions in the order of the queue. ISO times sort as text, including infinities.
std::vector<Submission> ClaimTransaction::ordered() {
  sortAsQueue(taken_);
  std::vector<Submission> submissions;
  submissions.reserve(taken_.size());
  for (auto& taken : taken_) submissions.push_back(std::move(taken.submission));
  return submissions;
}

ClaimResult PostgresqlQueue::claim(const ClaimRequest& request) {
  if (!session_.indexed() && request.look == Look::onward) session_.lookForIndexes();
  const bool recover = claimInDoubt_ && !takeOverInDoubt_;
  SweepPlace place = request.look == Look::onward ? onward_ : SweepPlace{};
  std::vector<std::string> unfinished;
  claimInDoubt_ = true;
  const auto alerts =
      schema_.used > schema::withoutAlerts ? ClaimTransaction::Alerts::kept : ClaimTransaction::Alerts::none;
  ClaimResult result = session_.transact([&](Transaction& tx) {
    if (recover) {
      passFence(tx, me_, clock_);
      ClaimResult found;
      found.submissions = unaccounted(tx);
      if (!found.submissions.empty()) return found;
    }
    ClaimTransaction claiming(tx, session_, request, me_, keyPrefix_, live_, clock_, place, alerts);
    ClaimResult claimed = claiming.run();
    place = claiming.place();
    unfinished = claiming.unfinished();
    return claimed;
  });
  claimInDoubt_ = false;
  if (request.look == Look::onward) onward_ = place;
  remember(result.submissions);
  for (const auto& recipient : unfinished)
    if (auto live = live_.find(recipient); live != live_.end()) live->second.passedBy = true;
  return result;
}

}  // namespace smsd::queue::postgresql
