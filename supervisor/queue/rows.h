// SPDX-License-Identifier: GPL-3.0-or-later
// The interpretation of result rows that all backends on SQL have.
//
// A `Row` is a backend's row of one statement. Its `Column` names the columns, and these names are alike in
// all backends, whatever the order. Called by all backends. Fails only where the row does.
#pragma once

#include <string>
#include <string_view>

#include "supervisor/queue/idempotency-key.h"
#include "supervisor/queue/queue.h"
#include "supervisor/queue/ranges.h"
#include "supervisor/queue/stored-names.h"

namespace smsd::queue {

/// The status is that of the row only if it has a column `sent`.
template <typename Row>
StoredMessage storedMessage(const Row& row) {
  using Column = typename Row::Column;
  StoredMessage message;
  message.id = row.integer(Column::id);
  message.recipient = row.text(Column::phone);
  message.user = row.text(Column::name);
  message.text = row.text(Column::msg);
  message.severity = row.optionalInt(Column::severity);
  message.time = row.text(Column::time);
  // The table's CHECK allows the three letters only.
  if constexpr (requires { Column::sent; })
    message.status = static_cast<SentStatus>(row.text(Column::sent)[0]);
  message.underWay = row.flag(Column::underWay);
  message.held = row.flag(Column::held);
  return message;
}

/// A live submission, without `failing`. `idsOf` reads a list of ids as the backend stores it.
template <typename Row, typename IdsOf>
Submission liveSubmission(const Row& row, std::string_view keyPrefix, IdsOf&& idsOf) {
  using Column = typename Row::Column;
  Submission submission;
  submission.id = row.integer(Column::id);
  submission.attempt = static_cast<AttemptId>(row.integer(Column::attempt));
  submission.dispatcher = row.text(Column::dispatcher);
  submission.recipient = row.text(Column::recipient);
  submission.sms.text = row.text(Column::text);
  submission.sms.encoding = encodingOf(row.text(Column::encoding));
  submission.sms.units = static_cast<std::size_t>(row.optionalInteger(Column::units).value_or(0));
  submission.sms.parts = static_cast<std::size_t>(row.optionalInteger(Column::parts).value_or(1));
  submission.sms.sent = idsOf(row.text(Column::sentIds));
  submission.sms.ignored = idsOf(row.text(Column::ignoredIds));
  submission.severity = row.optionalInt(Column::severity);
  submission.first = row.optionalInteger(Column::firstMessage).value_or(0);
  submission.rounds = static_cast<int>(row.integer(Column::rounds));
  if (!row.isNull(Column::stamps)) submission.stamps = idsOf(row.text(Column::stamps));
  submission.key = idempotencyKey(keyPrefix, submission.id, submission.stamps);
  submission.notUnderstood = static_cast<int>(row.integer(Column::notUnderstood));
  return submission;
}

/// A held SMS without its messages.
template <typename Row>
HeldSms heldSms(const Row& row) {
  using Column = typename Row::Column;
  HeldSms sms;
  sms.id = row.integer(Column::id);
  sms.recipient = row.text(Column::recipient);
  sms.text = row.text(Column::text);
  sms.severity = row.optionalInt(Column::severity);
  sms.dispatcher = row.text(Column::dispatcher);
  sms.reason = row.text(Column::reason);
  sms.since = row.text(Column::since);
  return sms;
}

/// A submission of the history without its key, its messages and its attempts.
template <typename Row>
SubmissionRecord submissionRecord(const Row& row) {
  using Column = typename Row::Column;
  SubmissionRecord record;
  record.id = row.integer(Column::id);
  record.text = row.text(Column::text);
  record.supervisor = row.text(Column::supervisor);
  record.created = row.text(Column::created);
  record.ended = row.text(Column::ended);
  record.fate = row.text(Column::fate);
  record.decided = row.text(Column::decided);
  if constexpr (requires { Column::parts; }) {
    record.encoding = row.text(Column::encoding);
    record.units = static_cast<std::size_t>(row.optionalInteger(Column::units).value_or(0));
    record.parts = static_cast<std::size_t>(row.optionalInteger(Column::parts).value_or(0));
  }
  return record;
}

/// The attempt in force, or the attempt that ended the submission. It is stored in the submission's own row.
template <typename Row>
AttemptRecord lastAttempt(const Row& row) {
  using Column = typename Row::Column;
  AttemptRecord attempt;
  attempt.id = static_cast<AttemptId>(row.integer(Column::attempt));
  attempt.dispatcher = row.text(Column::dispatcher);
  attempt.outcome = row.text(Column::outcome);
  attempt.reason = row.text(Column::reason);
  attempt.reference = row.text(Column::reference);
  attempt.ended = row.text(Column::ended);
  if constexpr (requires { Column::took; }) attempt.took = elapsed(row.optionalInteger(Column::took));
  return attempt;
}

/// An earlier attempt. An unsuccessful one that ended its submission is stored here as well.
template <typename Row>
AttemptRecord formerAttempt(const Row& row) {
  using Column = typename Row::Column;
  AttemptRecord attempt;
  attempt.id = static_cast<AttemptId>(row.integer(Column::id));
  attempt.dispatcher = row.text(Column::dispatcher);
  attempt.outcome = row.text(Column::outcome);
  attempt.reason = row.text(Column::reason);
  attempt.ended = row.text(Column::ended);
  if constexpr (requires { Column::took; }) attempt.took = elapsed(row.optionalInteger(Column::took));
  return attempt;
}

/// The life of a message without its submissions.
template <typename Row>
MessageLife messageLife(const Row& row) {
  using Column = typename Row::Column;
  MessageLife life;
  life.message = storedMessage(row);
  life.timeSent = row.text(Column::timesent);
  life.smsid = row.optionalInt(Column::smsid);
  life.rounds = static_cast<int>(row.integer(Column::rounds));
  life.waitsUntil = row.text(Column::waitsUntil);
  life.failingSince = row.text(Column::failingSince);
  life.failing = elapsed(row.optionalInteger(Column::failing));
  if constexpr (requires { Column::latency; }) life.latency = elapsed(row.optionalInteger(Column::latency));
  if constexpr (requires { Column::age; }) life.age = elapsed(row.optionalInteger(Column::age));
  return life;
}

/// The facts that the queue keeps of a submitted message, beside its row.
template <typename Row>
AlertRecord alertRecord(const Row& row) {
  using Column = typename Row::Column;
  AlertRecord alert;
  alert.caller = row.text(Column::caller);
  alert.label = row.text(Column::label);
  alert.group = row.text(Column::groupName);
  alert.key = row.text(Column::key);
  alert.expires = row.text(Column::expires);
  alert.repeats = static_cast<std::uint64_t>(row.integer(Column::repeats));
  alert.repeated = row.text(Column::repeated);
  alert.resolvedBy = row.text(Column::resolvedBy);
  return alert;
}

/// Why restore() leaves a message as it is.
template <typename Row>
Restored notRestored(const Row& row) {
  using Column = typename Row::Column;
  using Result = Restored::Result;
  Restored restored{Result::tooOld, row.text(Column::phone)};
  const std::string sent = row.text(Column::sent);
  if (sent == "I") return restored;
  restored.held = row.integer(Column::held);
  restored.underWay = row.flag(Column::underWay);
  restored.result = sent == "Y" ? Result::sent : restored.held != 0 ? Result::held : Result::notIgnored;
  return restored;
}

/// Why a message is ignored. Empty if a later submission is the reason: then the message had been made unsent
/// again by hand.
template <typename Row>
std::string whyIgnored(const Row& row, const MessageLife& life) {
  using Column = typename Row::Column;
  const bool later = !life.submissions.empty() && life.submissions.back().ended > row.text(Column::noted);
  return later ? "" : row.text(Column::reason);
}

}  // namespace smsd::queue
