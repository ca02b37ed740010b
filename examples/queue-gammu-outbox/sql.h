// SPDX-License-Identifier: GPL-3.0-or-later
// SQL of the session, the leases, the claim and the settlement. The columns of a result are an enum beside
// its statement, in the order of the select list.
//
// gammu's tables are found by the search_path of the connection, ours by their schema.
#pragma once

#include <smsd/queue/statement.h>

namespace gammu_outbox::sql {

using smsd::queue::Statement;

/// Tells a row from a later one with the same id.
#define OUTBOX_STAMP \
  "hashtextextended(m.msg, hashtextextended(m.phone, coalesce(timestamp_hash_extended(m.time, 0), 0)))"
/// A NULL stamp was never recorded: then the id alone decides.
#define OUTBOX_IS(stamp) "coalesce(" stamp " = " OUTBOX_STAMP ", true)"
#define OUTBOX_IS_IN(stamps) OUTBOX_IS("(" stamps "::bigint[])[array_position($1::bigint[], m.id)]")
#define OUTBOX_HELD \
  "EXISTS (SELECT FROM smsd_outbox.held h WHERE h.message = m.id AND " OUTBOX_IS("h.stamp") ")"
/// gammu's own conditions: all parts are there, its time has come, and it is one of its hours.
#define OUTBOX_DUE                                                                                \
  "(m.ready AND m.due <= localtimestamp + interval '1 s' AND localtime BETWEEN m.send_after AND " \
  "m.send_before)"
/// The wait is in force: noted in the past, and due in the future but not later than the longest possible
/// wait.
#define OUTBOX_IN_FORCE(longest)                              \
  "(w.due > now() AND w.due <= clock_timestamp() + (" longest \
  "::bigint + 1000) * interval '1 ms' AND "                   \
  "w.noted <= clock_timestamp() + interval '1 s')"
#define OUTBOX_MS(interval) "(extract(epoch FROM " interval ") * 1000)::bigint"

// --- session
inline constexpr const char* sessionSettings = R"(
  SET DateStyle TO 'ISO, YMD';
  SET client_encoding TO 'UTF8';
  SET lock_timeout TO '10s';
  SET idle_in_transaction_session_timeout TO '5s';
  SET application_name TO 'smsd';
  SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE;
  SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off')";
inline constexpr const char* listen = "LISTEN smsd_outbox";
inline constexpr const char* ring = "SELECT pg_notify('smsd_outbox', '')";
inline constexpr const char* announcesInserts =
    "SELECT count(*) = 2 FROM pg_trigger WHERE tgrelid = to_regclass('outbox') AND tgenabled IN ('O', 'A') "
    "AND tgname IN ('smsd_written', 'smsd_ring')";

// --- leases
enum class Installed { version, keyPrefix };
inline constexpr Statement<Installed> installed =
    "SELECT version, left(replace(queue::text, '-', ''), 12) AS key_prefix FROM smsd_outbox.installation";
inline constexpr const char* mayLock =
    "SELECT has_column_privilege('outbox', 'SendingTimeOut', 'UPDATE') AND "
    "has_table_privilege('smsd_outbox.message', 'UPDATE')";
inline constexpr const char* endEarlierRuns =
    "UPDATE smsd_outbox.supervisor SET state = 'dead' WHERE name = $1 AND state = 'alive'";
inline constexpr const char* enlist = R"(
  INSERT INTO smsd_outbox.supervisor (name, host, pid, lease, lease_until)
  VALUES ($1, $2, $3, $4::bigint * interval '1 ms', now() + $4::bigint * interval '1 ms') RETURNING id)";
inline constexpr const char* forgetOldWaits =
    "DELETE FROM smsd_outbox.wait WHERE due < now() - interval '1 day'";
inline constexpr const char* renew =
    "UPDATE smsd_outbox.supervisor SET lease_until = now() + lease WHERE id = $1 AND state = 'alive'";
inline constexpr const char* retire = R"(
  UPDATE smsd_outbox.supervisor SET state = CASE
    WHEN EXISTS (SELECT FROM smsd_outbox.live WHERE supervisor = $1) THEN 'dead' ELSE 'cleared' END
  WHERE id = $1 AND state = 'alive')";
enum class Fence { now };
/// The fence: locks the supervisor's row until the end of the transaction, so that it cannot be declared dead
/// while it settles.
inline constexpr Statement<Fence> fence =
    "SELECT " OUTBOX_MS("clock_timestamp()") " AS now FROM smsd_outbox.supervisor "
    "WHERE id = $1 AND state = 'alive' FOR SHARE";
enum class Leases { id, dead, until, left, length, now };
#define OUTBOX_LEASES \
  "SELECT id, state = 'dead' AS dead, (extract(epoch FROM lease_until) * 1000000)::bigint AS " \
  "until, "  \
  OUTBOX_MS("lease_until - clock_timestamp()") " AS left, " OUTBOX_MS("lease") " AS length, "          \
  OUTBOX_MS("clock_timestamp()") " AS now FROM smsd_outbox.supervisor WHERE state <> 'cleared' "
inline constexpr Statement<Leases> leases = OUTBOX_LEASES;
/// In one order, so that two concurrent take-overs cannot deadlock.
inline constexpr Statement<Leases> lockedLeases = OUTBOX_LEASES "ORDER BY id FOR UPDATE";
#undef OUTBOX_LEASES
enum class LiveSupervisors { name, host, pid };
inline constexpr Statement<LiveSupervisors> liveSupervisors =
    "SELECT name, host, pid FROM smsd_outbox.supervisor WHERE state = 'alive' AND lease_until > "
    "clock_timestamp() ORDER BY id";
inline constexpr const char* clear =
    "UPDATE smsd_outbox.supervisor SET state = 'cleared' WHERE id = ANY($1::bigint[])";
enum class Adopted {
  id,
  attempt,
  dispatcher,
  recipient,
  text,
  encoding,
  units,
  parts,
  sentIds,
  ignoredIds,
  severity,
  firstMessage,
  rounds,
  failing,
  stamps,
  notUnderstood
};
#define OUTBOX_SUBMISSION \
  "SELECT s.id, s.attempt, s.dispatcher, s.recipient, s.text, s.encoding, s.units, s.parts, s.sent_ids, "   \
  "s.ignored_ids, s.severity, s.first_id AS first_message, s.rounds, " OUTBOX_MS("now() - s.since")         \
  " AS failing, s.stamps, (SELECT count(*) FROM smsd_outbox.attempt a WHERE a.submission = s.id AND "       \
  "a.outcome = 'not-understood') AS not_understood "
inline constexpr Statement<Adopted> adopt =
    "WITH taken AS (UPDATE smsd_outbox.live SET supervisor = $1 WHERE supervisor = ANY($2::bigint[]) "
    "RETURNING "
    "submission), adopted AS (UPDATE smsd_outbox.submission SET supervisor = $1 "
    "WHERE id = ANY(ARRAY(SELECT submission FROM taken)) RETURNING *) " OUTBOX_SUBMISSION
    "FROM adopted s ORDER BY s.severity, s.first_id";
inline constexpr Statement<Adopted> liveOf = OUTBOX_SUBMISSION
    "FROM smsd_outbox.submission s JOIN smsd_outbox.live l ON l.submission = s.id "
    "WHERE l.supervisor = $1 ORDER BY s.severity, s.first_id";
#undef OUTBOX_SUBMISSION

// --- the claim
enum class Walk { id, phone, severity, rank, time, taken, held, due };
/// ($1, $2, $3): the last row seen. $4: rows. $5: the longest wait in ms.
inline constexpr Statement<Walk> walk =
    "SELECT m.id, m.phone, m.severity, m.rank, m.time::text AS time, "
    "EXISTS (SELECT FROM smsd_outbox.wait w WHERE w.recipient = m.phone AND " OUTBOX_IN_FORCE("$5") " AND NOT "
    "coalesce(m.severity < w.severity, m.severity IS NOT NULL)) OR "
    "EXISTS (SELECT FROM smsd_outbox.live l WHERE l.recipient = m.phone) AS taken, " OUTBOX_HELD " AS held, "
    OUTBOX_DUE " AS due FROM smsd_outbox.message m "
    "WHERE m.sent = 'N' AND (m.rank, m.time, m.id) > ($1::bigint, $2::timestamp, $3::bigint) "
    "ORDER BY m.rank, m.time, m.id LIMIT $4";
inline constexpr const char* lastMessage = "SELECT coalesce(max(id), 0) FROM smsd_outbox.message";
enum class Take { submission, attempt, recipient };
/// Waits for a transaction that takes or releases the same recipient.
inline constexpr Statement<Take> take = R"(
  INSERT INTO smsd_outbox.live (recipient, supervisor)
  SELECT recipient, $2 FROM unnest($1::text[]) r(recipient) ORDER BY recipient COLLATE "C"
  ON CONFLICT (recipient) DO NOTHING
  RETURNING submission, nextval('smsd_outbox.attempt_id') AS attempt, recipient)";
enum class Read { n, id, msg, severity, time, old, rounds, waits, waitsFor, stamp, failing, noted };
/// Up to $3 messages of each recipient, most severe first. Its snapshot is later than that of `take`.
inline constexpr Statement<Read> read =
    "SELECT r.n, m.id, left(m.msg, 4000) AS msg, m.severity, m.time::text AS time, "
    "coalesce(m.time < localtimestamp - $2::bigint * interval '1 ms', false) AS old, "
    "coalesce(w.rounds, 0) AS rounds, " OUTBOX_IN_FORCE("$4") " AS waits, w.severity AS waits_for, " OUTBOX_STAMP
    " AS stamp, " OUTBOX_MS("now() - w.since") " AS failing, " OUTBOX_MS("w.noted") " AS noted "
    "FROM unnest($1::text[]) WITH ORDINALITY r(phone, n) LEFT JOIN smsd_outbox.wait w ON w.recipient = r.phone "
    "CROSS JOIN LATERAL (SELECT * FROM smsd_outbox.message m WHERE m.sent = 'N' AND m.phone = r.phone "
    "AND " OUTBOX_DUE " AND NOT " OUTBOX_HELD " ORDER BY m.rank, m.time, m.id LIMIT $3) m "
    "ORDER BY r.n, m.rank, m.time, m.id";
enum class Locked { id };
/// gammu-smsd marks a row that it sends by a time in "SendingTimeOut", and so do we, without end: each leaves
/// the rows of the other alone.
inline constexpr Statement<Locked> lock =
    "UPDATE outbox SET \"SendingTimeOut\" = 'infinity' WHERE \"ID\" = ANY($1::bigint[]) AND "
    "(\"SendingTimeOut\" "
    "<= localtimestamp + interval '1 s' OR \"SendingTimeOut\" = 'infinity') RETURNING \"ID\" AS id";
inline constexpr const char* unlock =
    "UPDATE outbox SET \"SendingTimeOut\" = localtimestamp(0) WHERE \"ID\" = ANY($1::bigint[]) "
    "AND \"SendingTimeOut\" = 'infinity'";
inline constexpr const char* expire =
    "WITH expired AS (UPDATE smsd_outbox.message m SET sent = 'I', timesent = now() WHERE id = "
    "ANY($1::bigint[]) "
    "AND sent = 'N' RETURNING id, " OUTBOX_STAMP
    " AS stamp) "
    "INSERT INTO smsd_outbox.ignored (message, reason, stamp) SELECT id, 'expired', stamp FROM expired";
inline constexpr const char* endClaims = "DELETE FROM smsd_outbox.live WHERE recipient = ANY($1::text[])";
inline constexpr const char* write = R"(
  INSERT INTO smsd_outbox.submission (id, attempt, recipient, text, encoding, units, parts, sent_ids, ignored_ids, severity,
    first_id, rounds, stamps, since, supervisor, dispatcher)
  SELECT id, attempt, recipient, text, encoding, units, parts, sent::bigint[], ignored::bigint[], severity, first, rounds,
    stamps::bigint[], now() - failing * interval '1 ms', $15, $16
  FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::integer[], $8::text[],
              $9::text[], $10::integer[], $11::bigint[], $12::integer[], $13::text[], $14::bigint[])
    u(id, attempt, recipient, text, encoding, units, parts, sent, ignored, severity, first, rounds, stamps, failing))";
enum class NextDue { dueIn };
/// The next end of a wait, the next time of a message, and the next of its hours.
inline constexpr Statement<NextDue> nextDue =
    "SELECT greatest(0, min(t)) AS due_in FROM ("
    "SELECT least($1::bigint, " OUTBOX_MS("min(due) - now()") ") FROM smsd_outbox.wait WHERE due > now() "
    "HAVING min(due) IS NOT NULL UNION ALL "
    "SELECT " OUTBOX_MS("min(due) - localtimestamp") " FROM smsd_outbox.message m WHERE m.sent = 'N' AND due > "
    "localtimestamp + interval '1 s' UNION ALL "
    "SELECT " OUTBOX_MS("min(CASE WHEN send_after > localtime THEN send_after - localtime ELSE send_after - "
    "localtime + interval '24 h' END)") " FROM smsd_outbox.message m WHERE m.sent = 'N' AND (send_after > '00:00' "
    "OR send_before < '23:59:59') AND NOT localtime BETWEEN send_after AND send_before) times(t) "
    "HAVING min(t) IS NOT NULL";

// --- attempts and settlements
enum class NextAttempts { id, attempt };
/// $2: submission ids. For each of them: $3 outcome, $4 reason, $5 next dispatcher, $6 rounds, $7 ms since
/// the first counted failure.
inline constexpr Statement<NextAttempts> nextAttempts = R"(
  WITH next AS (
    SELECT * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::bigint[])
      u(id, outcome, reason, dispatcher, rounds, failing)
  ), old AS (
    SELECT s.id, s.attempt, s.dispatcher FROM smsd_outbox.submission s
    WHERE s.id = ANY($2::bigint[]) AND s.supervisor = $1 AND s.ended IS NULL ORDER BY s.id FOR UPDATE
  ), history AS (
    INSERT INTO smsd_outbox.attempt (id, submission, dispatcher, outcome, reason)
    SELECT old.attempt, old.id, old.dispatcher, next.outcome, nullif(next.reason, '') FROM old JOIN next USING (id)
  )
  UPDATE smsd_outbox.submission s
  SET attempt = nextval('smsd_outbox.attempt_id'), dispatcher = next.dispatcher, rounds = next.rounds,
    since = now() - next.failing * interval '1 ms'
  FROM old JOIN next USING (id) WHERE s.id = old.id RETURNING s.id, s.attempt)";
enum class Ended { id };
/// Ends those submissions that are live and belong to supervisor $1: only they are settled. $2: ids. For each
/// of them: $3 fate, $4 outcome, $5 reason, $6 reference.
inline constexpr Statement<Ended> end = R"(
  WITH ends AS (
    SELECT * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[]) u(id, fate, outcome, reason, reference)
  ), ended AS (
    UPDATE smsd_outbox.submission s SET ended = now(), fate = ends.fate, outcome = ends.outcome,
      reason = nullif(ends.reason, ''), reference = nullif(ends.reference, '')
    FROM ends WHERE s.id = ends.id AND s.supervisor = $1 AND s.ended IS NULL
    RETURNING s.id, s.attempt, s.dispatcher, s.outcome, s.reason
  ), free AS (
    DELETE FROM smsd_outbox.live WHERE supervisor = $1 AND submission IN (SELECT id FROM ended)
  ), history AS (
    INSERT INTO smsd_outbox.attempt (id, submission, dispatcher, outcome, reason)
    SELECT attempt, id, dispatcher, outcome, reason FROM ended WHERE outcome <> 'accepted')
  SELECT id FROM ended)";
/// $1: ids. For each of them: $2 smsid, $3 stamp. The trigger moves the rows to sentitems.
inline constexpr const char* markSent =
    "UPDATE smsd_outbox.message m SET sent = 'Y', smsid = ($2::integer[])[array_position($1::bigint[], "
    "m.id)], "
    "timesent = now() WHERE id = ANY($1::bigint[]) AND sent <> 'Y' AND " OUTBOX_IS_IN("$3");
inline constexpr const char* markIgnored =
    "UPDATE smsd_outbox.message m SET sent = 'I', smsid = ($2::integer[])[array_position($1::bigint[], "
    "m.id)], "
    "timesent = now() WHERE id = ANY($1::bigint[]) AND sent = 'N' AND " OUTBOX_IS_IN("$3");
/// Counts the rows that have one of the ids but are other rows.
inline constexpr const char* others =
    "SELECT count(*) FROM smsd_outbox.message m WHERE id = ANY($1::bigint[]) AND NOT " OUTBOX_IS_IN("$2");
inline constexpr const char* hold =
    "INSERT INTO smsd_outbox.held AS h (message, submission, stamp) "
    "SELECT id, ($2::bigint[])[array_position($1::bigint[], m.id)], " OUTBOX_STAMP
    " FROM smsd_outbox.message m WHERE id = ANY($1::bigint[]) AND sent = 'N' AND " OUTBOX_IS_IN("$3")
    " ON CONFLICT (message) DO UPDATE SET submission = excluded.submission, stamp = excluded.stamp "
    "WHERE h.stamp IS DISTINCT FROM excluded.stamp";
inline constexpr const char* wait = R"(
  INSERT INTO smsd_outbox.wait (recipient, rounds, due, reason, severity, since)
  SELECT recipient, rounds, now() + ms * interval '1 ms', nullif(reason, ''), severity, now() - failing * interval '1 ms'
  FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::text[], $5::integer[], $6::bigint[])
    u(recipient, rounds, ms, reason, severity, failing)
  ON CONFLICT (recipient) DO UPDATE SET rounds = excluded.rounds, due = excluded.due, reason = excluded.reason,
    severity = excluded.severity, since = excluded.since, noted = excluded.noted)";
inline constexpr const char* forgetWaits = "DELETE FROM smsd_outbox.wait WHERE recipient = ANY($1::text[])";

}  // namespace gammu_outbox::sql
