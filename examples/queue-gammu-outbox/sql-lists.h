// SPDX-License-Identifier: GPL-3.0-or-later
// SQL of the lists and commands of operators. See sql.h.
#pragma once

#include "sql.h"

namespace gammu_outbox::sql {

#define OUTBOX_TO_THE_SECOND(time) "to_char(" time ", 'YYYY-MM-DD HH24:MI:SS')"
#define OUTBOX_STORED                                                                              \
  "SELECT m.id, m.phone, coalesce(a.name, m.creator) AS name, m.msg, m.severity, to_char(m.time, " \
  "'YYYY-MM-DD HH24:MI') AS time, m.sent = 'N' AND EXISTS (SELECT FROM smsd_outbox.live l WHERE "  \
  "l.recipient = m.phone) AND NOT " OUTBOX_HELD " AS under_way, m.sent = 'N' AND " OUTBOX_HELD " AS held "
#define OUTBOX_FROM "FROM smsd_outbox.message m LEFT JOIN smsd_outbox.account a ON a.id = m.accountid "

enum class Cancelled { id, phone, name, msg, severity, time, underWay, held, count };
inline constexpr Statement<Cancelled> cancel =
    "WITH cancelled AS (UPDATE smsd_outbox.message m SET sent = 'I', timesent = now() "
    "WHERE m.sent = 'N' AND ($1::bigint <= 0 OR m.time <= localtimestamp - $1::bigint * interval '1 ms') "
    "AND NOT EXISTS (SELECT FROM smsd_outbox.live l WHERE l.recipient = m.phone) AND NOT " OUTBOX_HELD
    " RETURNING m.*, " OUTBOX_STAMP
    " AS stamp), "
    "noted AS (INSERT INTO smsd_outbox.ignored (message, reason, stamp) SELECT id, 'cancelled', stamp FROM "
    "cancelled) "
    "SELECT m.id, m.phone, coalesce(a.name, m.creator) AS name, m.msg, m.severity, to_char(m.time, "
    "'YYYY-MM-DD "
    "HH24:MI') AS time, false AS under_way, false AS held, count(*) OVER () FROM cancelled m "
    "LEFT JOIN smsd_outbox.account a ON a.id = m.accountid ORDER BY m.id LIMIT $2";
inline constexpr const char* forgetEmptyWaits =
    "DELETE FROM smsd_outbox.wait w WHERE NOT EXISTS (SELECT FROM smsd_outbox.message m WHERE m.sent = 'N' "
    "AND "
    "m.phone = w.recipient AND NOT " OUTBOX_HELD ")";

enum class Stored { id, phone, name, msg, severity, time, underWay, held };
inline constexpr Statement<Stored> storedMessages =
    OUTBOX_STORED OUTBOX_FROM "WHERE m.sent = $1 ORDER BY m.time, m.id LIMIT $2";
inline constexpr Statement<Stored> messagesOf =
    OUTBOX_STORED OUTBOX_FROM "WHERE m.sent = $1 AND m.phone = $2 ORDER BY m.rank, m.time, m.id";
enum class Recipients { phone };
inline constexpr Statement<Recipients> recipients =
    "SELECT phone FROM (SELECT DISTINCT phone FROM smsd_outbox.message WHERE sent = $1) p ORDER BY phone "
    "COLLATE "
    "\"C\"";

enum class Inserted { id };
/// The trigger makes the message; what a column of outbox cannot hold follows.
inline constexpr Statement<Inserted> insert =
    "INSERT INTO outbox (\"DestinationNumber\", \"TextDecoded\", \"CreatorID\", \"Coding\") SELECT $1, $2, "
    "coalesce((SELECT creator FROM smsd_outbox.account WHERE id = $3::integer), ''), "
    "CASE WHEN octet_length($2) = length($2) THEN 'Default_No_Compression' ELSE 'Unicode_No_Compression' END "
    "RETURNING \"ID\" AS id";
inline constexpr const char* describe =
    "UPDATE smsd_outbox.message SET accountid = $2::integer, severity = $3::integer WHERE id = $1";
inline constexpr const char* setStatus =
    "UPDATE smsd_outbox.message SET sent = $2::char(1), smsid = $3, timesent = CASE WHEN $2::char(1) IN "
    "('Y', 'I') "
    "THEN now() ELSE timesent END WHERE id = $1";

inline constexpr const char* countUnsent =
    "SELECT count(*) FROM (SELECT FROM smsd_outbox.message WHERE sent = 'N' LIMIT $1) m";
inline constexpr const char* countHeld =
    "SELECT count(*) FROM (SELECT FROM smsd_outbox.held h JOIN smsd_outbox.message m ON m.id = h.message "
    "AND " OUTBOX_IS("h.stamp") " WHERE m.sent = 'N' LIMIT $1) m";
/// The age is in ms.
enum class OldestOfAll { age, severity };
inline constexpr Statement<OldestOfAll> oldest =
    "SELECT " OUTBOX_MS("localtimestamp - m.time") " AS age, m.severity FROM (SELECT) one LEFT JOIN LATERAL "
    "(SELECT time, severity FROM smsd_outbox.message WHERE sent = 'N' ORDER BY time LIMIT 1) m ON true";
/// In ms.
enum class Oldest { age };
/// A message that is not due yet is not late.
inline constexpr Statement<Oldest> oldestNotWaiting =
    "SELECT " OUTBOX_MS("localtimestamp - min(m.time)") " AS age FROM (SELECT * FROM smsd_outbox.message "
    "WHERE sent = 'N' ORDER BY rank, time, id LIMIT 10000) m WHERE " OUTBOX_DUE " AND NOT " OUTBOX_HELD
    " AND NOT EXISTS (SELECT FROM smsd_outbox.wait w WHERE w.recipient = m.phone AND w.rounds > 0 AND w.due > now())";

// --- held SMS
enum class Held { id, recipient, text, messages, severity, dispatcher, reason, since };
/// Dispatcher and reason are those of the last attempt with an unknown outcome.
inline constexpr Statement<Held> heldSms =
    "SELECT s.id, s.recipient, s.text, h.messages, s.severity, coalesce(a.dispatcher, s.dispatcher) AS dispatcher, "
    "coalesce(a.reason, s.reason) AS reason, " OUTBOX_TO_THE_SECOND("s.ended") " AS since "
    "FROM (SELECT h.submission, array_agg(h.message ORDER BY array_position(s.sent_ids || s.ignored_ids, h.message)) "
    "AS messages FROM smsd_outbox.held h JOIN smsd_outbox.submission s ON s.id = h.submission "
    "JOIN smsd_outbox.message m ON m.id = h.message AND " OUTBOX_IS("h.stamp") " WHERE m.sent = 'N' "
    "GROUP BY h.submission) h JOIN smsd_outbox.submission s ON s.id = h.submission "
    "LEFT JOIN LATERAL (SELECT a.dispatcher, a.reason FROM smsd_outbox.attempt a WHERE a.submission = s.id AND "
    "a.outcome IN ('unknown', 'not-understood') ORDER BY a.id DESC LIMIT 1) a ON true ORDER BY s.ended, s.id LIMIT $1";
/// $2: the decision. The row lock makes one of two concurrent decisions first.
inline constexpr const char* decide =
    "UPDATE smsd_outbox.submission SET fate = $2, decided = now() WHERE id = $1::bigint AND fate = 'held'";
enum class EndHold { message, stamp };
inline constexpr Statement<EndHold> endHold =
    "DELETE FROM smsd_outbox.held WHERE submission = $1::bigint RETURNING message, stamp";
enum class Released { id };
/// $1: ids. $2: their stamps.
inline constexpr Statement<Released> released =
    "SELECT m.id FROM smsd_outbox.message m WHERE id = ANY($1::bigint[]) AND sent = 'N' AND " OUTBOX_IS_IN(
        "$2");
inline constexpr const char* markDiscarded =
    "UPDATE smsd_outbox.message m SET sent = 'I', timesent = now() WHERE id = ANY($1::bigint[]) AND sent = "
    "'N' AND " OUTBOX_IS_IN("$2");
inline constexpr const char* endWaitOf = "DELETE FROM smsd_outbox.wait WHERE recipient = $1";
inline constexpr const char* endAllWaits = "DELETE FROM smsd_outbox.wait";
enum class RecipientOf { phone };
inline constexpr Statement<RecipientOf> recipientOf =
    "SELECT phone FROM smsd_outbox.message WHERE id = $1::bigint";

// --- the life of a message
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
  failing
};
/// $2: the longest wait in ms.
inline constexpr Statement<MessageLife> life =
    OUTBOX_STORED ", m.sent, " OUTBOX_TO_THE_SECOND("m.timesent") " AS timesent, m.smsid, coalesce(w.rounds, 0) AS "
    "rounds, CASE WHEN " OUTBOX_IN_FORCE("$2") " THEN " OUTBOX_TO_THE_SECOND("w.due") " END AS waits_until, "
    OUTBOX_TO_THE_SECOND("w.since") " AS failing_since, " OUTBOX_MS("now() - w.since") " AS failing "
    OUTBOX_FROM "LEFT JOIN smsd_outbox.wait w ON w.recipient = m.phone AND m.sent = 'N' AND NOT " OUTBOX_HELD
    " WHERE m.id = $1::bigint";
enum class SubmissionsWith {
  id,
  text,
  supervisor,
  created,
  ended,
  fate,
  decided,
  inText,
  messages,
  stamps,
  attempt,
  dispatcher,
  outcome,
  reason,
  reference
};
inline constexpr Statement<SubmissionsWith> submissionsWith =
    "SELECT s.id, s.text, v.host || '[' || v.pid || ']' AS supervisor, " OUTBOX_TO_THE_SECOND("s.created")
    " AS created, " OUTBOX_TO_THE_SECOND("s.ended") " AS ended, s.fate, " OUTBOX_TO_THE_SECOND("s.decided")
    " AS decided, coalesce($1::bigint = ANY(s.sent_ids), false) AS in_text, s.sent_ids || s.ignored_ids AS messages, "
    "s.stamps, s.attempt, s.dispatcher, s.outcome, s.reason, s.reference FROM smsd_outbox.submission s "
    "LEFT JOIN smsd_outbox.supervisor v ON v.id = s.supervisor "
    "WHERE ($1::bigint = ANY(s.sent_ids) OR $1::bigint = ANY(s.ignored_ids)) AND (SELECT "
    OUTBOX_IS("s.stamps[array_position(s.sent_ids || s.ignored_ids, $1::bigint)]")
    " FROM smsd_outbox.message m WHERE m.id = $1::bigint) ORDER BY s.id";
enum class AttemptsOf { submission, id, dispatcher, outcome, reason, ended };
inline constexpr Statement<AttemptsOf> attemptsOf =
    "SELECT a.submission, a.id, a.dispatcher, a.outcome, a.reason, " OUTBOX_TO_THE_SECOND(
        "a.ended") " AS ended FROM smsd_outbox.attempt a WHERE a.submission = ANY($1::bigint[]) ORDER BY "
                   "a.id";
enum class WhyIgnored { reason, noted };
inline constexpr Statement<WhyIgnored> whyIgnored =
    "SELECT reason, " OUTBOX_TO_THE_SECOND("at") " AS noted FROM smsd_outbox.ignored i JOIN smsd_outbox.message m ON "
    "m.id = i.message AND " OUTBOX_IS("i.stamp") " WHERE message = $1::bigint ORDER BY at DESC LIMIT 1";

// --- the history
enum class LookAtHistory { id, old, recent };
/// $2 submissions after id $1. $3: the age in ms. A held one stays as long as one of its messages is held.
inline constexpr Statement<LookAtHistory> lookAtHistory =
    "SELECT s.id, s.ended < now() - $3::bigint * interval '1 ms' AND (s.fate <> 'held' OR NOT EXISTS (SELECT FROM "
    "smsd_outbox.held h JOIN smsd_outbox.message m ON m.id = h.message AND " OUTBOX_IS("h.stamp") " WHERE "
    "h.submission = s.id AND m.sent = 'N')) AS old, s.created >= now() - $3::bigint * interval '1 ms' AS recent "
    "FROM smsd_outbox.submission s WHERE s.id > $1 ORDER BY s.id LIMIT $2";
inline constexpr const char* purgeHeld = "DELETE FROM smsd_outbox.held WHERE submission = ANY($1::bigint[])";
inline constexpr const char* purgeAttempts =
    "DELETE FROM smsd_outbox.attempt WHERE submission = ANY($1::bigint[])";
inline constexpr const char* purgeSubmissions =
    "DELETE FROM smsd_outbox.submission WHERE id = ANY($1::bigint[])";
inline constexpr const char* purgeIgnored =
    "DELETE FROM smsd_outbox.ignored WHERE ctid = ANY(ARRAY(SELECT ctid FROM smsd_outbox.ignored WHERE at < "
    "now() - "
    "$1::bigint * interval '1 ms' ORDER BY at LIMIT $2))";

}  // namespace gammu_outbox::sql
