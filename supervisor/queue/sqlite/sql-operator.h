// SPDX-License-Identifier: GPL-3.0-or-later
// SQL of the operator commands on a queue in a file, and of the deletion of old history. Called by
// operator.cpp.
#pragma once

#include "supervisor/queue/sqlite/sql-parts.h"
#include "supervisor/queue/statement.h"

namespace smsd::queue::sqlite::sql {

enum class Held { id, recipient, text, severity, dispatcher, reason, since };
// Messages that were marked or deleted by hand are no longer held. Dispatcher and reason are those of the
// last attempt with an unknown outcome.
inline constexpr Statement<Held> heldSms =
    R"(
  SELECT s.id, s.recipient, s.text, s.severity, coalesce(a.dispatcher, s.dispatcher) AS dispatcher, coalesce(a.reason, s.reason) AS reason,
    substr(s.ended, 1, 19) AS since
  FROM smsd_submission s LEFT JOIN smsd_attempt a ON a.id =
    (SELECT max(id) FROM smsd_attempt WHERE submission = s.id AND outcome IN ('unknown', 'not-understood'))
  WHERE s.id IN (SELECT h.submission FROM smsd_held h JOIN smsq q ON q.id = h.message AND )" SMSD_SQLITE_IS(
        "q", "h.stamp")
        R"( WHERE q.sent = 'N')
  ORDER BY s.ended, s.id LIMIT ?)";

enum class MessagesOf { id };
inline constexpr Statement<MessagesOf> heldOf =
    R"(
  SELECT h.message AS id FROM smsd_held h JOIN smsq q ON q.id = h.message AND )" SMSD_SQLITE_IS("q",
                                                                                                "h.stamp") R"(
  WHERE h.submission = ? AND q.sent = 'N' ORDER BY h.message)";
inline constexpr Statement<MessagesOf> idsInText =
    R"(
  SELECT value AS id FROM smsd_submission s, json_each(iif(json_valid(s.sent_ids), s.sent_ids, '[]'))
  WHERE s.id = ? ORDER BY key)";
inline constexpr Statement<MessagesOf> idsCounted =
    R"(
  SELECT value AS id FROM smsd_submission s, json_each(iif(json_valid(s.ignored_ids), s.ignored_ids, '[]'))
  WHERE s.id = ? ORDER BY key)";
constexpr auto decide = "UPDATE smsd_submission SET fate = ?, decided = ? WHERE id = ? AND fate = 'held'";
constexpr auto countReleased =
    "SELECT count(*) FROM smsd_held h JOIN smsq q ON q.id = h.message AND " SMSD_SQLITE_IS(
        "q", "h.stamp") " WHERE h.submission = ? AND q.sent = 'N'";
constexpr auto markDiscarded = R"(
  UPDATE smsq SET sent = 'I', timesent = ?
  WHERE sent = 'N' AND id IN (SELECT message FROM smsd_held WHERE submission = ?) AND )" SMSD_SQLITE_HELD(
    "smsq");
// Two statements, because no value of a recipient may mean all.
constexpr auto endWaitOf = "DELETE FROM smsd_wait WHERE recipient = ?";
constexpr auto endAllWaits = "DELETE FROM smsd_wait";
constexpr auto endSomeWaits =
    "DELETE FROM smsd_wait WHERE recipient IN (SELECT recipient FROM smsd_wait LIMIT ?)";

enum class Restored { phone };
// ?2: the present time. ?3: the age in ms from which claims make a message ignored; NULL: none.
inline constexpr Statement<Restored> restore =
    "UPDATE smsq SET sent = 'N', timesent = NULL WHERE id = ?1 AND sent = 'I' AND (?3 IS NULL OR "
    "coalesce(julianday(time) >= julianday(?2) - ?3 / 86400000.0, 1)) RETURNING phone";
// Otherwise the reason would still be given for a later mark.
constexpr auto forgetWhyIgnored = "DELETE FROM smsd_ignored WHERE message = ?";
enum class StatusOf { phone, sent, underWay, held };
inline constexpr Statement<StatusOf> statusOf =
    "SELECT phone, sent, EXISTS (SELECT 1 FROM smsd_submission s INDEXED BY smsd_submission_live WHERE "
    "s.recipient = phone AND s.ended IS NULL) AS under_way, coalesce((SELECT h.submission FROM smsd_held h "
    "WHERE h.message = smsq.id AND " SMSD_SQLITE_IS("smsq", "h.stamp") "), 0) AS held FROM smsq WHERE id = ?";

enum class RecipientOf { phone };
inline constexpr Statement<RecipientOf> recipientOf = "SELECT phone FROM smsq WHERE id = ?";
constexpr auto endHold = "DELETE FROM smsd_held WHERE submission = ?";

enum class MessageLife {
  id,
  phone,
  name,
  msg,
  severity,
  time,
  sent,
  underWay,
  held,
  timesent,
  smsid,
  rounds,
  waitsUntil,
  failingSince,
  failing,
  latency,
  age
};
// The wait is shown only for a message that could be claimed without it. ?1: now in ms; ?3: the longest wait
// in ms.
inline constexpr Statement<MessageLife> life =
    SMSD_SQLITE_STORED R"(, substr(q.timesent, 1, 19) AS timesent, q.smsid, coalesce(w.rounds, 0) AS rounds,
    CASE WHEN )" SMSD_SQLITE_IN_FORCE("w", "?1", "?3") R"(
      THEN strftime('%Y-%m-%d %H:%M:%S', w.due / 1000, 'unixepoch') END AS waits_until,
    strftime('%Y-%m-%d %H:%M:%S', w.since / 1000, 'unixepoch') AS failing_since, max(0, ?1 - w.since) AS failing,
    CAST(round((julianday(q.timesent) - julianday(q.time)) * 86400000) AS INTEGER) AS latency,
    ?1 - CAST(round((julianday(q.time) - 2440587.5) * 86400000) AS INTEGER) AS age
  FROM smsq q LEFT JOIN account a ON a.id = q.accountid
  LEFT JOIN smsd_wait w ON w.recipient = q.phone AND q.sent = 'N' AND NOT )" SMSD_SQLITE_HELD("q") R"(
  WHERE q.id = ?2)";

enum class SubmissionsWith {
  id,
  text,
  supervisor,
  created,
  ended,
  fate,
  decided,
  attempt,
  dispatcher,
  outcome,
  reason,
  reference,
  encoding,
  units,
  parts,
  took
};
// Reads the whole history: an index from messages to their SMS would slow down every SMS.
inline constexpr Statement<SubmissionsWith> submissionsWith =
    R"(
  SELECT s.id, s.text, v.host || '[' || v.pid || ']' AS supervisor, substr(s.created, 1, 19) AS created, substr(s.ended, 1, 19) AS ended, s.fate,
    substr(s.decided, 1, 19) AS decided, s.attempt, s.dispatcher, s.outcome, s.reason, s.reference, s.encoding, s.units, s.parts,
    CAST(round((julianday(s.ended) - julianday(coalesce((SELECT max(a.ended) FROM smsd_attempt a WHERE a.submission = s.id
      AND a.id < s.attempt), s.created))) * 86400000) AS INTEGER) AS took
  FROM smsd_submission s LEFT JOIN smsd_supervisor v ON v.id = s.supervisor
  WHERE EXISTS (SELECT 1 FROM json_each(iif(json_valid(s.sent_ids), s.sent_ids, '[]')) WHERE value = ?1)
    OR EXISTS (SELECT 1 FROM json_each(iif(json_valid(s.ignored_ids), s.ignored_ids, '[]')) WHERE value = ?1)
  ORDER BY s.id)";

enum class StampsOf { list };
inline constexpr Statement<StampsOf> stampsOf =
    "SELECT iif(json_valid(stamps), stamps, '[]') AS list FROM smsd_submission WHERE id = ?";
constexpr auto stampOf = "SELECT smsd_stamp(time, phone, msg) FROM smsq WHERE id = ?";

enum class AttemptsOf { id, dispatcher, outcome, reason, ended, took };
// An attempt begins when the one before it has ended, and the first one with the submission.
inline constexpr Statement<AttemptsOf> attemptsOf =
    R"(
  SELECT a.id, a.dispatcher, a.outcome, a.reason, substr(a.ended, 1, 19) AS ended,
    CAST(round((julianday(a.ended) - julianday(coalesce((SELECT max(b.ended) FROM smsd_attempt b WHERE b.submission = s.id
      AND b.id < a.id), s.created))) * 86400000) AS INTEGER) AS took
  FROM smsd_attempt a JOIN smsd_submission s ON s.id = a.submission WHERE a.submission = ? ORDER BY a.id)";

enum class WhyIgnored { reason, noted };
inline constexpr Statement<WhyIgnored> whyIgnored =
    "SELECT reason, substr(at, 1, 19) AS noted FROM smsd_ignored i JOIN smsq q ON q.id = i.message WHERE "
    "message = ? "
    "AND " SMSD_SQLITE_IS("q", "i.stamp") " ORDER BY i.rowid DESC LIMIT 1";

// --- the history
enum class Ago { time };
// The current time as the text of `clock`, moved by the parameter, for example '-5.000 seconds'.
inline constexpr Statement<Ago> ago = "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now', ?) AS time";

enum class LookAtHistory { id, old, recent };
// A held submission stays as long as one of its messages is held: those that were marked or deleted by hand
// are not.
inline constexpr Statement<LookAtHistory> lookAtHistory =
    R"(
  SELECT s.id, s.ended < ?2 AND (s.fate <> 'held' OR NOT EXISTS (
      SELECT 1 FROM smsd_held h CROSS JOIN smsq q ON q.id = h.message
      WHERE h.submission = s.id AND q.sent = 'N' AND )" SMSD_SQLITE_IS(
        "q", "h.stamp") R"()) AS old, s.created >= ?2 AS recent
  FROM smsd_submission s WHERE s.id > ?1 ORDER BY s.id LIMIT ?3)";
constexpr auto purgeAttempts = "DELETE FROM smsd_attempt WHERE submission = ?";
constexpr auto purgeSubmission = "DELETE FROM smsd_submission WHERE id = ?";
// Rows are in the order in which they were written, which is the order of time.
constexpr auto purgeIgnored =
    "DELETE FROM smsd_ignored WHERE rowid IN (SELECT rowid FROM (SELECT rowid, at FROM smsd_ignored ORDER BY "
    "rowid LIMIT ?2) WHERE at < ?1)";

}  // namespace smsd::queue::sqlite::sql
