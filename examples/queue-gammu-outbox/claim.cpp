// SPDX-License-Identifier: GPL-3.0-or-later
// The claim: walk over the unsent messages, take recipients, read their messages, lock the rows, write. See
// outbox-queue.h. All of it is one transaction.
#include <algorithm>
#include <set>

#include <smsd/queue/claim-rules.h>
#include <smsd/queue/idempotency-key.h>
#include <smsd/queue/ranges.h>
#include <smsd/queue/stamps.h>
#include <smsd/queue/stored-names.h>
#include "outbox-queue.h"

namespace gammu_outbox {
namespace {

using smsd::format::Message;

constexpr int mostPages = 16;  // keeps the transaction short, even if many are passed by

struct Taken {
  Submission submission;
  std::vector<Message> messages;
  std::vector<std::int64_t> stamps;  // of `messages`
  bool waits = false;
  std::optional<int> waitsFor;  // the severity of its wait
  std::string firstTime;
  std::size_t rows = 0;
};

/// One claim, inside its transaction. In memory it changes only the clock watch, and `passedBy` and
/// `inTheWay` of live recipients, which may be set needlessly, but are never missing.
class ClaimTransaction {
 public:
  ClaimTransaction(Transaction& tx, const ClaimRequest& request, LiveRecipients& live, ClockWatch& clock,
                   SweepPlace from)
      : tx_(tx), request_(request), live_(live), clock_(clock), place_(std::move(from)) {}

  ClaimResult run(SupervisorId me, const std::string& keyPrefix);
  const SweepPlace& place() const { return place_; }
  /// Recipients that have more unsent messages than one claim reads.
  const std::vector<std::string>& unfinished() const { return unfinished_; }

 private:
  void walk();
  bool visit(const Row<sql::Walk>& row);
  void take(SupervisorId me);
  void read();
  void readMessage(const Row<sql::Read>& row, Taken& taken);
  void obeyWaits();
  void lockRows();
  void leaveOutEmpty();
  void write(SupervisorId me, const std::string& keyPrefix);

  template <typename Range>
  static std::string recipientsOf(const Range& taken) {
    ArrayLiteral recipients;
    for (const auto& one : taken) recipients.addBytes(one.submission.recipient);
    return recipients.str();
  }

  Transaction& tx_;
  const ClaimRequest& request_;
  LiveRecipients& live_;
  ClockWatch& clock_;
  SweepPlace place_;
  std::set<std::string> candidates_;  // sorted: every supervisor takes them in the same order
  std::vector<Taken> taken_;
  std::vector<MessageId> expired_;
  std::vector<std::string> unfinished_;
  std::vector<std::string> woken_;  // recipients whose wait a more severe message ended
  ClaimResult result_;
};

ClaimResult ClaimTransaction::run(SupervisorId me, const std::string& keyPrefix) {
  if (request_.limit == 0) return {};
  walk();
  if (!candidates_.empty()) {
    passFence(tx_, me, clock_);
    take(me);
    read();
    obeyWaits();
    lockRows();
    leaveOutEmpty();
    write(me, keyPrefix);
  }
  if (result_.atEnd) {
    const auto due = tx_.run(sql::nextDue, boundedMilliseconds(request_.longestWait));
    if (!due.empty()) result_.nextDue = Duration(due.front().integer(sql::NextDue::dueIn));
  }
  sortAsQueue(taken_);
  for (auto& taken : taken_) result_.submissions.push_back(std::move(taken.submission));
  return std::move(result_);
}

void ClaimTransaction::walk() {
  const std::size_t size = std::max(request_.limit, leastPage);
  if (!place_.until && request_.look == Look::onward) place_.until = tx_.number(sql::lastMessage);
  for (int pages = 0; pages < mostPages; ++pages) {
    const auto rows = tx_.run(sql::walk, place_.rank, place_.time, place_.id, size,
                              boundedMilliseconds(request_.longestWait));
    for (const auto& row : rows) {
      if (!visit(row)) return;
      place_.rank = row.integer(sql::Walk::rank);
      place_.time = row.text(sql::Walk::time);
      place_.id = row.integer(sql::Walk::id);
    }
    if (rows.size() < size) {
      result_.atEnd = !place_.cameLater;
      place_ = SweepPlace{};
      return;
    }
    if (candidates_.size() == request_.limit) return;
  }
}

/// Returns false to end the walk: the limit is reached, or no further row is severe enough.
bool ClaimTransaction::visit(const Row<sql::Walk>& row) {
  using sql::Walk;
  const auto severity = row.optionalInt(Walk::severity);
  if (request_.moreSevereThan && !moreSevere(severity, request_.moreSevereThan)) return false;
  const std::string recipient = row.text(Walk::phone);
  if (row.flag(Walk::held) || !row.flag(Walk::due) || candidates_.contains(recipient)) return true;
  if (auto live = live_.find(recipient); live != live_.end()) {
    const auto& own = live->second.own;
    if (!std::binary_search(own.begin(), own.end(), row.integer(Walk::id))) live->second.passedBy = true;
    if (moreSevere(severity, live->second.severity)) {
      live->second.inTheWay = true;
      result_.inTheWay.push_back({live->second.submission, *severity});
    }
    return true;
  }
  if (row.flag(Walk::taken)) return true;
  if (place_.until && row.integer(Walk::id) > *place_.until) return place_.cameLater = true;
  if (candidates_.size() == request_.limit) return false;
  candidates_.insert(recipient);
  return true;
}

void ClaimTransaction::take(SupervisorId me) {
  ArrayLiteral recipients;
  for (const auto& recipient : candidates_) recipients.addBytes(recipient);
  for (const auto& row : tx_.run(sql::take, recipients.str(), me)) {
    Submission& submission = taken_.emplace_back().submission;
    submission.id = row.integer(sql::Take::submission);
    submission.attempt = static_cast<AttemptId>(row.integer(sql::Take::attempt));
    submission.dispatcher = request_.dispatcher;
    submission.recipient = row.text(sql::Take::recipient);
  }
}

void ClaimTransaction::read() {
  std::optional<std::string> age;
  if (request_.expireAfter)
    age = std::to_string(boundedMilliseconds(clock_.stretched(*request_.expireAfter)));
  for (const auto& row : tx_.run(sql::read, recipientsOf(taken_), age, messagesAtATime + 1,
                                 boundedMilliseconds(request_.longestWait)))
    readMessage(row, taken_[static_cast<std::size_t>(row.integer(sql::Read::n)) - 1]);
}

void ClaimTransaction::readMessage(const Row<sql::Read>& row, Taken& taken) {
  using sql::Read;
  if (taken.rows == 0) {
    taken.submission.rounds = static_cast<int>(row.integer(Read::rounds));
    taken.submission.waited = !row.isNull(Read::waits);
    taken.waits = taken.submission.waited && row.flag(Read::waits);
    taken.waitsFor = row.optionalInt(Read::waitsFor);
    // Without the steps ahead of the clock since then.
    if (auto since = elapsed(row.optionalInteger(Read::failing)))
      taken.submission.failing = clock_.withoutSteps(*since, Duration(row.integer(Read::noted)));
  }
  if (++taken.rows > messagesAtATime) {
    unfinished_.push_back(taken.submission.recipient);
  } else if (row.flag(Read::old)) {
    expired_.push_back(row.integer(Read::id));
  } else {
    if (taken.messages.empty()) taken.firstTime = row.text(Read::time);
    taken.messages.push_back({row.integer(Read::id), row.text(Read::msg), row.optionalInt(Read::severity)});
    taken.stamps.push_back(row.integer(Read::stamp));
  }
}

/// Skips waiting recipients, unless one has a message that is more severe than all that wait.
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

/// Leaves out the messages that a gammu-smsd is sending now.
void ClaimTransaction::lockRows() {
  std::vector<MessageId> wanted;
  for (const auto& taken : taken_)
    for (const auto& message : taken.messages) wanted.push_back(message.id);
  if (wanted.empty()) return;
  std::set<MessageId> locked;
  for (const auto& row : tx_.run(sql::lock, arrayOf(wanted))) locked.insert(row.integer(sql::Locked::id));
  if (locked.size() == wanted.size()) return;
  for (auto& taken : taken_)
    for (std::size_t i = taken.messages.size(); i-- > 0;)
      if (!locked.contains(taken.messages[i].id)) {
        taken.messages.erase(taken.messages.begin() + static_cast<std::ptrdiff_t>(i));
        taken.stamps.erase(taken.stamps.begin() + static_cast<std::ptrdiff_t>(i));
      }
}

/// Expires old messages, and ends the claims of recipients that have nothing to send now.
void ClaimTransaction::leaveOutEmpty() {
  if (!expired_.empty()) result_.expired = tx_.run(sql::expire, arrayOf(expired_));
  auto silent = std::stable_partition(taken_.begin(), taken_.end(),
                                      [](const Taken& taken) { return !taken.messages.empty(); });
  if (silent == taken_.end()) return;
  tx_.run(sql::endClaims, recipientsOf(std::vector<Taken>(silent, taken_.end())));
  taken_.erase(silent, taken_.end());
}

void ClaimTransaction::write(SupervisorId me, const std::string& keyPrefix) {
  if (taken_.empty()) return;
  if (!woken_.empty()) {
    ArrayLiteral recipients;
    for (const auto& recipient : woken_) recipients.addBytes(recipient);
    tx_.run(sql::forgetWaits, recipients.str());
  }
  ArrayLiteral ids, attempts, recipients, texts, encodings, units, parts, sent, ignored, severities, firsts,
      rounds, stamps, failing;
  std::vector<MessageId> carried;
  for (auto& taken : taken_) {
    Submission& submission = taken.submission;
    submission.sms = request_.format(taken.messages);
    carried.insert(carried.end(), submission.sms.carried.begin(), submission.sms.carried.end());
    submission.severity = taken.messages.front().severity;
    submission.first = taken.messages.front().id;
    submission.stamps = stampsOf(submission.sms, taken.messages, taken.stamps);
    submission.key = idempotencyKey(keyPrefix, submission.id, submission.stamps);
    ids.add(submission.id);
    attempts.add(submission.attempt);
    recipients.addBytes(submission.recipient);
    texts.add(submission.sms.text);
    encodings.add(encodingName(submission.sms.encoding));
    units.add(std::uint64_t{submission.sms.units});
    parts.add(std::uint64_t{submission.sms.parts});
    sent.add(arrayOf(submission.sms.sent));
    ignored.add(arrayOf(submission.sms.ignored));
    severities.add(submission.severity);
    firsts.add(submission.first);
    rounds.add(submission.rounds);
    stamps.add(arrayOf(submission.stamps));
    failing.add(submission.failing);
  }
  tx_.run(sql::write, ids.str(), attempts.str(), recipients.str(), texts.str(), encodings.str(), units.str(),
          parts.str(), sent.str(), ignored.str(), severities.str(), firsts.str(), rounds.str(), stamps.str(),
          failing.str(), me, storable(request_.dispatcher));
  if (!carried.empty()) tx_.run(sql::unlock, arrayOf(carried));
}

}  // namespace

ClaimResult OutboxQueue::claim(const ClaimRequest& request) {
  const bool recover = claimInDoubt_ && !takeOverInDoubt_;
  SweepPlace place = request.look == Look::onward ? onward_ : SweepPlace{};
  std::vector<std::string> unfinished;
  claimInDoubt_ = true;
  ClaimResult result = session_.transact([&](Transaction& tx) {
    if (recover) {
      passFence(tx, me_, clock_);
      ClaimResult found;
      found.submissions = unaccounted(tx);
      if (!found.submissions.empty()) return found;
    }
    ClaimTransaction claiming(tx, request, live_, clock_, place);
    ClaimResult claimed = claiming.run(me_, keyPrefix_);
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

}  // namespace gammu_outbox
