// SPDX-License-Identifier: GPL-3.0-or-later
// SQL of the operator commands in PostgreSQL, and of the deletion of old history. Called by operator.cpp.
#pragma once

#include "supervisor/queue/postgresql/sql-parts.h"
#include "supervisor/queue/statement.h"

namespace smsd::queue::postgresql::sql {

enum class Held { id, recipient, text, messages, severity, dispatcher, reason, since };
/// Messages that were marked or deleted by hand are no longer held. Dispatcher and reason are those of the
/// last attempt with an unknown outcome.
inline constexpr Statement<Held> heldSms =
    "SELECT s.id, s.recipient, s.text, h.messages, s.severity, coalesce(a.dispatcher, s.dispatcher) AS dispatcher, "
    "coalesce(a.reason, s.reason) AS reason, " SMSD_TO_THE_SECOND("s.ended") " AS since "
    "FROM (SELECT h.submission, array_agg(h.message ORDER BY array_position(s.sent_ids || s.ignored_ids, h.message)) "
    "      AS messages FROM smsd.held h JOIN smsd.submission s ON s.id = h.submission "
    "      JOIN smsq q ON q.id = h.message AND " SMSD_IS("h.stamp") " WHERE q.sent = 'N' GROUP BY h.submission) h "
    "JOIN smsd.submission s ON s.id = h.submission "
    "LEFT JOIN LATERAL (SELECT a.dispatcher, a.reason FROM smsd.attempt a "
    "                   WHERE a.submission = s.id AND a.outcome IN ('unknown', 'not-understood') ORDER BY a.id DESC LIMIT 1) a ON true "
    "ORDER BY s.ended, s.id LIMIT $1";

/// $2: the decision. The row lock makes one of two concurrent decisions first.
inline constexpr const char* decide =
    "UPDATE smsd.submission SET fate = $2, decided = now() WHERE id = $1::bigint AND fate = 'held'";

enum class EndHold { message, stamp };
inline constexpr Statement<EndHold> endHold =
    "DELETE FROM smsd.held WHERE submission = $1::bigint RETURNING message, stamp";

enum class Released { count, pgNotify };
/// $1: sorted ids. $2: their stamps.
inline constexpr Statement<Released> countReleased =
    "SELECT count, pg_notify('smsd_queue', '') FROM (SELECT count(*) FROM smsq q "
    "WHERE id = ANY($1::bigint[]) AND sent::text = 'N' AND " SMSD_IS_IN("$2") ") released";
inline constexpr const char* markDiscarded =
    "UPDATE smsq q SET sent = 'I', timesent = now() WHERE id = ANY($1::bigint[]) AND sent::text = 'N' "
    "AND " SMSD_IS_IN("$2");

enum class WaitsEnded { count, pgNotify };
/// Both delete the rounds as well. They are two statements because no value of `recipient` may mean all.
#define SMSD_END_WAITS(condition)                         \
  "WITH ended AS (DELETE FROM smsd.wait WHERE " condition \
  " RETURNING 1) "                                        \
  "SELECT count, pg_notify('smsd_queue', '') FROM (SELECT count(*) FROM ended) c"
inline constexpr Statement<WaitsEnded> endWaitOf = SMSD_END_WAITS("recipient = $1");
inline constexpr Statement<WaitsEnded> endAllWaits = SMSD_END_WAITS("true");
inline constexpr Statement<WaitsEnded> endSomeWaits =
    SMSD_END_WAITS("recipient IN (SELECT recipient FROM smsd.wait LIMIT $1)");
#undef SMSD_END_WAITS

enum class RecipientOf { phone };
inline constexpr Statement<RecipientOf> recipientOf = "SELECT phone FROM smsq WHERE id = $1::bigint";

enum class Restored { phone };
/// $2: the age in ms from which claims make a message ignored; NULL: none.
inline constexpr Statement<Restored> restore =
    "UPDATE smsq SET sent = 'N', timesent = NULL WHERE id = $1::bigint AND sent = 'I' "
    "AND ($2::bigint IS NULL OR time >= localtimestamp - $2::bigint * interval '1 ms') RETURNING phone";
/// Otherwise the reason would still be given for a later mark.
inline constexpr const char* forgetWhyIgnored = "DELETE FROM smsd.ignored WHERE message = $1::bigint";
enum class StatusOf { phone, sent, underWay, held };
inline constexpr Statement<StatusOf> statusOf =
    "SELECT q.phone, q.sent, EXISTS (SELECT FROM smsd.live l WHERE l.recipient = q.phone) AS under_way, "
    "coalesce((SELECT h.submission FROM smsd.held h WHERE h.message = q.id AND " SMSD_IS("h.stamp") "), 0) AS held "
    "FROM smsq q WHERE q.id = $1::bigint";

/// All parts of the report are read at one moment.
inline constexpr const char* oneSnapshot = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";

enum class MessageLife {
  id,
  phone,
  name,
  msg,
  severity,
  time,
  underWay,
  held,
  sent,
  timesent,
  smsid,
  rounds,
  waitsUntil,
  failingSince,
  failing,
  latency,
  age
};
/// The wait is shown only for a message that could be claimed without it. $2: the longest wait in ms.
inline constexpr Statement<MessageLife> life =
    SMSD_STORED_COLUMNS
    ", q.sent, " SMSD_TO_THE_SECOND("q.timesent") " AS timesent, q.smsid, coalesce(w.rounds, 0) AS rounds, "
    "CASE WHEN " SMSD_IN_FORCE("$2") " THEN " SMSD_TO_THE_SECOND("w.due") " END AS waits_until, " SMSD_TO_THE_SECOND("w.since") " AS failing_since, "
    "(extract(epoch FROM now() - w.since) * 1000)::bigint AS failing, "
    "CASE WHEN isfinite(q.time) THEN (extract(epoch FROM q.timesent - q.time) * 1000)::bigint END AS latency, "
    "CASE WHEN isfinite(q.time) THEN (extract(epoch FROM localtimestamp - q.time) * 1000)::bigint END AS age "
    "FROM smsq q LEFT JOIN account a ON a.id = q.accountid "
    "LEFT JOIN smsd.wait w ON w.recipient = q.phone AND q.sent = 'N' AND NOT " SMSD_HELD
    "WHERE q.id = $1::bigint";

enum class SubmissionsWith {
  id,
  key,
  text,
  supervisor,
  created,
  ended,
  fate,
  decided,
  inText,
  messages,
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
/// Reads the whole history: an index from messages to their SMS would slow down every SMS.
inline constexpr Statement<SubmissionsWith> submissionsWith =
    "SELECT s.id, (SELECT left(replace(queue::text, '-', ''), 12) FROM smsd.installation LIMIT 1) || '-' || s.id "
    "|| coalesce('-' || lpad(to_hex(s.stamps[1] & 4294967295), 8, '0'), '') AS key, "
    "s.text, v.host || '[' || v.pid || ']' AS supervisor, " SMSD_TO_THE_SECOND("s.created") " AS created, " SMSD_TO_THE_SECOND("s.ended") " AS ended, "
    "s.fate, " SMSD_TO_THE_SECOND("s.decided") " AS decided, coalesce($1::bigint = ANY(s.sent_ids), false) AS in_text, "
    "s.sent_ids || s.ignored_ids AS messages, s.attempt, s.dispatcher, s.outcome, s.reason, s.reference, "
    "s.encoding, s.units, s.parts, (extract(epoch FROM s.ended - coalesce((SELECT max(a.ended) FROM smsd.attempt a "
    "WHERE a.submission = s.id AND a.id < s.attempt), s.created)) * 1000)::bigint AS took "
    "FROM smsd.submission s LEFT JOIN smsd.supervisor v ON v.id = s.supervisor "
    "WHERE ($1::bigint = ANY(s.sent_ids) OR $1::bigint = ANY(s.ignored_ids)) AND (SELECT " 
    SMSD_IS("s.stamps[array_position(s.sent_ids || s.ignored_ids, $1::bigint)]") " FROM smsq q WHERE q.id = $1::bigint) "
    "ORDER BY s.id";

enum class AttemptsOf { submission, id, dispatcher, outcome, reason, ended, took };
/// An attempt begins when the one before it has ended, and the first one with the submission.
inline constexpr Statement<AttemptsOf> attemptsOf =
    "SELECT a.submission, a.id, a.dispatcher, a.outcome, a.reason, " SMSD_TO_THE_SECOND("a.ended") " AS ended, "
    "(extract(epoch FROM a.ended - lag(a.ended, 1, s.created) OVER (PARTITION BY a.submission ORDER BY a.id)) * 1000)::bigint AS took "
    "FROM smsd.attempt a JOIN smsd.submission s ON s.id = a.submission WHERE a.submission = ANY($1::bigint[]) ORDER BY a.id";

enum class WhyIgnored { reason, noted };
inline constexpr Statement<WhyIgnored> whyIgnored =
    "SELECT reason, " SMSD_TO_THE_SECOND("at") " AS noted "
    "FROM smsd.ignored i JOIN smsq q ON q.id = i.message AND " SMSD_IS("i.stamp") " WHERE message = $1::bigint "
    "ORDER BY at DESC LIMIT 1";

// --- the history
enum class LookAtHistory { id, old, recent };
/// Reads $2 submissions after id $1. Returns for each whether it may be deleted, and whether it began too
/// recently for that; $3 is the age in ms. A held one may not, as long as one of its messages is held: those
/// that were marked or deleted by hand are not.
inline constexpr Statement<LookAtHistory> lookAtHistory =
    R"(
  SELECT s.id, s.ended < now() - $3::bigint * interval '1 ms' AND (s.fate <> 'held' OR
      (SELECT h.message FROM smsd.held h WHERE h.submission = s.id AND
         (SELECT q.sent = 'N' AND )" SMSD_IS(
        "h.stamp") R"( FROM smsq q WHERE q.id = h.message) LIMIT 1) IS NULL) AS old,
    s.created >= now() - $3::bigint * interval '1 ms' AS recent
  FROM smsd.submission s WHERE s.id > $1 ORDER BY s.id LIMIT $2)";
inline constexpr const char* purgeHeld = "DELETE FROM smsd.held WHERE submission = ANY($1::bigint[])";
inline constexpr const char* purgeAttempts = "DELETE FROM smsd.attempt WHERE submission = ANY($1::bigint[])";
inline constexpr const char* purgeSubmissions = "DELETE FROM smsd.submission WHERE id = ANY($1::bigint[])";
inline constexpr const char* purgeIgnored = R"(
  DELETE FROM smsd.ignored WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM smsd.ignored WHERE at < now() - $1::bigint * interval '1 ms' ORDER BY at LIMIT $2)))";

}  // namespace smsd::queue::postgresql::sql
