// SPDX-License-Identifier: GPL-3.0-or-later
// All SQL of the PostgreSQL backend except the schema, which is deploy/sql/postgresql*.sql.
//
// A rule for the statements of the road: no statement may have a plan that reads more rows than it needs,
// whatever the statistics are. Therefore:
//  - Rows of smsq are found by `id = ANY`, in the order of a partial index, or by phone in a LATERAL. They
//    are never found by a join, because a planner that believes the table empty could reverse it.
//  - A value for each row is found in sorted arrays by width_bucket, a binary search, not by a join.
//  - An UPDATE that must not use a partial index writes sent::text, from which the planner cannot prove the
//    index's predicate.
//  - If two partial indexes could serve and only one stays cheap, the statement asks for an order that only
//    this index has, and sorting is off.
#pragma once

#include <array>
#include <utility>

namespace smsd::queue::postgresql::sql {

constexpr int schemaVersion = 4;

// --- the session
/// Defaults for settings that are missing in the connection string. A silent network is noticed in about 20 s
/// instead of two hours.
inline constexpr std::array<std::pair<const char*, const char*>, 6> connectionDefaults{{
    {"application_name", "smsd"},
    {"connect_timeout", "5"},
    {"keepalives_idle", "10"},
    {"keepalives_interval", "3"},
    {"keepalives_count", "3"},
    {"tcp_user_timeout", "20000"},
}};

/// Settings that the defaults of the role or the database must not change.
/// A supervisor that is stopped in the middle of a transaction (SIGSTOP, a suspended host) must not hold its
/// locks against a take-over. The timeout of 5 s is enough because our transactions pause only to format a
/// batch.
inline constexpr const char* sessionSettings = R"(
  SET DateStyle TO 'ISO, YMD';
  SET standard_conforming_strings TO on;
  SET jit TO off;
  SET lock_timeout TO '10s';
  SET idle_in_transaction_session_timeout TO '5s';
  SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE;
  SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off')";

/// With the indexes, a plan is the same whatever the statistics and the values are, so it may be kept.
/// Without them, a plan is made for each execution, because a plan kept from an empty table is quadratic on a
/// full one.
inline constexpr const char* planByIndex =
    "SET enable_seqscan TO off; SET enable_bitmapscan TO off; SET enable_sort TO off; "
    "SET plan_cache_mode TO force_generic_plan";
inline constexpr const char* planFreely =
    "SET enable_seqscan TO on; SET enable_bitmapscan TO on; SET enable_sort TO on; "
    "SET plan_cache_mode TO force_custom_plan";
/// For lists for an operator, which may read the whole table.
inline constexpr const char* planThisFreely =
    "SET LOCAL enable_seqscan TO on; SET LOCAL enable_bitmapscan TO on; SET LOCAL enable_sort TO on; "
    "SET LOCAL plan_cache_mode TO force_custom_plan";

inline constexpr const char* listen = "LISTEN smsd_queue";
inline constexpr const char* ring = "SELECT pg_notify('smsd_queue', '')";
/// Looks for the trigger of `smsctl db install --notify`, or a similar one.
inline constexpr const char* announcesInserts = R"(
  SELECT EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                 WHERE t.tgrelid = to_regclass('smsq') AND t.tgenabled IN ('O', 'A')
                   AND p.prosrc LIKE '%smsd_queue%'))";

/// Counts the two indexes by their columns and predicate, not by name: 2 if both can be used.
inline constexpr const char* usableIndexes = R"(
  SELECT count(DISTINCT columns) FROM (
    SELECT (SELECT string_agg(a.attname, ',' ORDER BY k.n)
            FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, n)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum) AS columns
    FROM pg_index i
    WHERE i.indrelid = to_regclass('smsq') AND i.indisvalid
      AND pg_get_expr(i.indpred, i.indrelid) LIKE '(sent = ''N''::%)') found
  WHERE columns IN ('severity,time,id', 'phone,severity,time,id'))";

// --- life cycle of a supervisor
inline constexpr const char* installed =
    "SELECT version, left(replace(queue::text, '-', ''), 12) FROM smsd.installation";

/// Fails if a table is missing. Returns the names of the missing privileges.
inline constexpr const char* missingPrivileges = R"(
  SELECT string_agg(format('%s of smsq.%s', CASE WHEN readable THEN 'UPDATE' ELSE 'SELECT' END, attname), ', ' ORDER BY attnum)
  FROM (SELECT attname, attnum, attname IN ('sent', 'smsid', 'timesent') AS written,
               has_column_privilege('smsq', attnum, 'SELECT') AS readable,
               has_column_privilege('smsq', attnum, 'UPDATE') AS writable
        FROM pg_attribute
        WHERE attrelid = 'smsq'::regclass
          AND attname IN ('id', 'phone', 'msg', 'severity', 'time', 'sent', 'smsid', 'timesent')) columns
  WHERE NOT readable OR written AND NOT writable)";

inline constexpr const char* endEarlierRuns =
    "UPDATE smsd.supervisor SET state = 'dead' WHERE name = $1 AND state = 'alive'";
inline constexpr const char* enlist = R"(
  INSERT INTO smsd.supervisor (name, host, pid, lease, lease_until)
  VALUES ($1, $2, $3, $4::bigint * interval '1 ms', now() + $4::bigint * interval '1 ms') RETURNING id)";
/// Deletes waits that were due more than a day ago and not claimed since: the messages are gone, so the
/// rounds no longer matter.
inline constexpr const char* forgetOldWaits = "DELETE FROM smsd.wait WHERE due < now() - interval '1 day'";
inline constexpr const char* renew =
    "UPDATE smsd.supervisor SET lease_until = now() + lease WHERE id = $1 AND state = 'alive'";
inline constexpr const char* retire = R"(
  UPDATE smsd.supervisor SET state = CASE
    WHEN EXISTS (SELECT FROM smsd.live WHERE supervisor = $1) THEN 'dead' ELSE 'cleared' END
  WHERE id = $1 AND state = 'alive')";

#define SMSD_CLOCK "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
/// The fence: locks the supervisor's row until the end of the transaction, so that it cannot be declared dead
/// while it settles. Returns the time as well.
inline constexpr const char* fence =
    "SELECT id, " SMSD_CLOCK " FROM smsd.supervisor WHERE id = $1 AND state = 'alive' FOR SHARE";

/// Supervisors that are alive, or dead and not yet taken over. Leases decides whose lease has run out.
#define SMSD_LEASES                                                                                     \
  "SELECT id, state = 'dead', (extract(epoch FROM lease_until) * 1000000)::bigint, "                    \
  "(extract(epoch FROM lease_until - clock_timestamp()) * 1000)::bigint, (extract(epoch FROM lease) * " \
  "1000)::bigint, " SMSD_CLOCK " FROM smsd.supervisor WHERE state <> 'cleared' "
inline constexpr const char* leases = SMSD_LEASES;
/// Locks all of them in one order, so that two concurrent take-overs wait for each other and cannot deadlock.
inline constexpr const char* lockedLeases = SMSD_LEASES "ORDER BY id FOR UPDATE";
#undef SMSD_LEASES
#undef SMSD_CLOCK
inline constexpr const char* clear =
    "UPDATE smsd.supervisor SET state = 'cleared' WHERE id = ANY($1::bigint[]) AND state <> 'cleared' "
    "RETURNING id";

#define SMSD_SUBMISSION_COLUMNS                                                                        \
  "s.id, s.attempt, s.dispatcher, s.recipient, s.text, s.encoding, s.units, s.parts, s.sent_ids, "     \
  "s.ignored_ids, "                                                                                    \
  "s.severity, s.first_id, s.rounds, (extract(epoch FROM now() - s.since) * 1000)::bigint, s.stamps, " \
  "(SELECT count(*) FROM smsd.attempt a WHERE a.submission = s.id AND a.outcome = 'not-understood')"
inline constexpr const char* adopt =
    "WITH taken AS (UPDATE smsd.live SET supervisor = $1 WHERE supervisor = ANY($2::bigint[]) RETURNING "
    "submission), "
    "adopted AS (UPDATE smsd.submission SET supervisor = $1 WHERE id = ANY(ARRAY(SELECT submission FROM "
    "taken)) "
    "RETURNING *) SELECT " SMSD_SUBMISSION_COLUMNS " FROM adopted s ORDER BY s.severity, s.first_id";
inline constexpr const char* liveOf =
    "SELECT " SMSD_SUBMISSION_COLUMNS
    " FROM smsd.submission s WHERE s.id = ANY(ARRAY(SELECT submission FROM smsd.live WHERE supervisor = $1)) "
    "ORDER BY s.severity, s.first_id";
#undef SMSD_SUBMISSION_COLUMNS

/// A hash of the row's content, because ids are reused. PostgreSQL uses these functions for hash partitions,
/// so they have to return the same in every version of the server.
#define SMSD_STAMP                                                                        \
  "hashtextextended(coalesce(q.msg::text, ''), hashtextextended(q.phone::text, coalesce(" \
  "timestamp_hash_extended(q.time::timestamp, 0), 0)))"
/// True if the row still has this stamp. A NULL stamp was never recorded: then the id alone decides.
#define SMSD_IS(stamp) "coalesce(" stamp " = " SMSD_STAMP ", true)"
/// SMSD_IS for statements with an array of ids ($1) and a parallel array of stamps.
#define SMSD_IS_IN(stamps) SMSD_IS("(" stamps "::bigint[])[width_bucket(q.id::bigint, $1::bigint[])]")

/// True if the message is held. A scalar subquery, because a planner may make a join of an EXISTS and reverse
/// it.
#define SMSD_HELD \
  "(SELECT h.submission FROM smsd.held h WHERE h.message = q.id AND " SMSD_IS("h.stamp") ") IS NOT NULL "

/// True if the wait is in force: noted in the past, and due in the future but not later than the longest
/// possible wait. A stepped clock may violate either: then the wait is over. clock_timestamp() is needed
/// because the wait may have been noted after our transaction began. The extra second tolerates waits that
/// are noted at the same time.
#define SMSD_IN_FORCE(longest)                               \
  "w.due > now() AND w.due <= clock_timestamp() + (" longest \
  "::bigint + 1000) * interval '1 ms' "                      \
  "AND w.noted <= clock_timestamp() + interval '1 s'"

// --- the claim
#define SMSD_WALK(longest) \
  "SELECT q.id, q.phone, q.severity, q.time::text, "                                           \
  "EXISTS (SELECT FROM smsd.wait w WHERE w.recipient = q.phone AND " SMSD_IN_FORCE(longest) " AND NOT " \
  "coalesce(q.severity < w.severity, q.severity IS NOT NULL)) OR "                             \
  "EXISTS (SELECT FROM smsd.live l WHERE l.recipient = q.phone) AS "                           \
  "taken, " SMSD_HELD "AS held FROM smsq q "
/// walkGraded reads rows with a severity: ($1, $2, $3) is the last row seen, $4 the rows per page, $5 the
/// longest wait in ms. walkUngraded reads rows without a severity: ($1, $2) is the last row seen, $3 the rows
/// per page, $4 the longest wait in ms.
inline constexpr const char* walkGraded = SMSD_WALK("$5")
    "WHERE q.sent = 'N' AND (q.severity, q.time, q.id) > ($1::integer, $2::timestamp, $3::bigint) "
    "ORDER BY q.severity, q.time, q.id LIMIT $4";
inline constexpr const char* walkUngraded = SMSD_WALK("$4")
    "WHERE q.sent = 'N' AND q.severity IS NULL AND (q.time, q.id) > ($1::timestamp, $2::bigint) "
    "ORDER BY q.severity, q.time, q.id LIMIT $3";
/// Rows with a higher id wait for the next pass.
inline constexpr const char* lastMessage = "SELECT coalesce(max(id), 0) FROM smsq";
/// Both in one statement, for a table that has to be read as a whole.
inline constexpr const char* walkAll = SMSD_WALK("$5")
    "WHERE q.sent = 'N' AND (q.severity IS NULL OR (q.severity, q.time, q.id) > ($1::integer, $2::timestamp, "
    "$3::bigint)) "
    "ORDER BY q.severity, q.time, q.id LIMIT $4";
#undef SMSD_WALK

/// Waits for a transaction that takes or releases the same recipient.
inline constexpr const char* take = R"(
  INSERT INTO smsd.live (recipient, supervisor)
  SELECT recipient, $2 FROM unnest($1::text[]) r(recipient) ORDER BY recipient COLLATE "C"
  ON CONFLICT (recipient) DO NOTHING
  RETURNING submission, nextval('smsd.attempt_id'), recipient)";

#define SMSD_MESSAGE                                                \
  "q.id, left(q.msg, 4000) AS msg, q.severity, q.time, " SMSD_STAMP \
  " AS stamp, "                                                     \
  "coalesce(q.time < localtimestamp - $2::bigint * interval '1 ms', false) AS old "
/// Reads up to $3 messages of each recipient, most severe first. Its snapshot is later than that of `take`,
/// so it sees messages and waits as the end of the recipient's former submission left them. The phone is
/// compared by >= and <=, and the order begins with it. With = the phone would be a constant, and a planner
/// that believes that nothing is unsent would consider the index on (severity, time, id) as good as the right
/// one.
#define SMSD_READ \
  "SELECT r.n, m.id, m.msg, m.severity, m.time::text, m.old, " \
  "coalesce(w.rounds, 0), " SMSD_IN_FORCE("$4") ", w.severity, m.stamp, " \
  "(extract(epoch FROM now() - w.since) * 1000)::bigint, (extract(epoch FROM w.noted) * 1000)::bigint "
inline constexpr const char* readByIndex = SMSD_READ
    "FROM unnest($1::text[]) WITH ORDINALITY r(phone, n) LEFT JOIN smsd.wait w ON w.recipient = r.phone "
    "CROSS JOIN LATERAL (SELECT " SMSD_MESSAGE
    "FROM smsq q WHERE q.sent = 'N' AND q.phone >= r.phone AND q.phone <= r.phone AND NOT " SMSD_HELD
    "ORDER BY q.phone, q.severity, q.time, q.id LIMIT $3) m "
    "ORDER BY r.n, m.severity, m.time, m.id";
inline constexpr const char* readInOneScan =
    SMSD_READ "FROM (SELECT q.phone, " SMSD_MESSAGE
              ", row_number() OVER (PARTITION BY q.phone ORDER BY q.severity, q.time, q.id) AS place "
              "FROM smsq q WHERE q.sent = 'N' AND q.phone = ANY($1::text[]) AND NOT " SMSD_HELD
              ") m "
              "JOIN unnest($1::text[]) WITH ORDINALITY r(phone, n) ON r.phone = m.phone "
              "LEFT JOIN smsd.wait w ON w.recipient = r.phone "
              "WHERE m.place <= $3 ORDER BY r.n, m.severity, m.time, m.id";
#undef SMSD_READ
#undef SMSD_MESSAGE

inline constexpr const char* expire = R"(
  WITH expired AS (
    UPDATE smsq q SET sent = 'I', timesent = now() WHERE id = ANY($1::bigint[]) AND sent::text = 'N'
    RETURNING id, )" SMSD_STAMP R"( AS stamp)
  INSERT INTO smsd.ignored (message, reason, stamp) SELECT id, 'expired', stamp FROM expired)";
inline constexpr const char* release = "DELETE FROM smsd.live WHERE recipient = ANY($1::text[])";
/// A row of the history is usually written twice: here, and when it ends. Another attempt, a take-over and an
/// operator's decision each write it once more.
inline constexpr const char* write = R"(
  INSERT INTO smsd.submission (id, attempt, recipient, text, encoding, units, parts, sent_ids, ignored_ids, severity, first_id,
    rounds, stamps, since, supervisor, dispatcher)
  SELECT id, attempt, recipient, text, encoding, units, parts, sent::bigint[], ignored::bigint[], severity, first, rounds,
    stamps::bigint[], now() - failing * interval '1 ms', $15, $16
  FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::integer[], $8::text[], $9::text[],
              $10::integer[], $11::bigint[], $12::integer[], $13::text[], $14::bigint[])
    u(id, attempt, recipient, text, encoding, units, parts, sent, ignored, severity, first, rounds, stamps, failing))";
inline constexpr const char* nextDue =
    "SELECT least($1::bigint, ceil(extract(epoch FROM min(due) - now()) * 1000)::bigint) FROM smsd.wait "
    "WHERE due > now() HAVING min(due) IS NOT NULL";

// --- attempts and settlements
/// $1: supervisor. $2: sorted submission ids. For each of them: $3 outcome, $4 reason, $5 next dispatcher, $6
/// rounds, $7 ms since the first counted failure.
inline constexpr const char* nextAttempts = R"(
  WITH old AS (
    SELECT s.id, s.attempt, s.dispatcher, width_bucket(s.id, $2::bigint[]) AS n FROM smsd.submission s
    WHERE s.id = ANY($2::bigint[]) AND s.supervisor = $1 AND s.ended IS NULL FOR UPDATE
  ), history AS (
    INSERT INTO smsd.attempt (id, submission, dispatcher, outcome, reason)
    SELECT attempt, id, dispatcher, ($3::text[])[n], nullif(($4::text[])[n], '') FROM old
  )
  UPDATE smsd.submission s
  SET attempt = nextval('smsd.attempt_id'), attempts = attempts + 1, dispatcher = ($5::text[])[width_bucket(s.id, $2::bigint[])],
    rounds = ($6::integer[])[width_bucket(s.id, $2::bigint[])],
    since = now() - ($7::bigint[])[width_bucket(s.id, $2::bigint[])] * interval '1 ms'
  WHERE s.id = ANY(ARRAY(SELECT id FROM old)) -- which is read first: it has to show the attempt that was
  RETURNING s.id, s.attempt)";

/// Ends those submissions that are live and belong to supervisor $1, and returns their ids: only they are
/// settled. $2: sorted ids. For each of them: $3 the index of its fate, outcome and reason in $4 to $6, $7
/// its reference, $8 its recipient.
inline constexpr const char* end = R"(
  WITH free AS (
    DELETE FROM smsd.live WHERE recipient = ANY($8::text[]) AND supervisor = $1
      AND submission = ($2::bigint[])[width_bucket(submission, $2::bigint[])]
  ), ended AS (
    UPDATE smsd.submission s SET ended = now(),
      fate = ($4::text[])[($3::integer[])[width_bucket(s.id, $2::bigint[])]],
      outcome = ($5::text[])[($3::integer[])[width_bucket(s.id, $2::bigint[])]],
      reason = nullif(($6::text[])[($3::integer[])[width_bucket(s.id, $2::bigint[])]], ''),
      reference = nullif(($7::text[])[width_bucket(s.id, $2::bigint[])], '')
    WHERE s.id = ANY($2::bigint[]) AND s.supervisor = $1 AND s.ended IS NULL
    RETURNING s.id, s.attempt, s.dispatcher, s.outcome, s.reason
  ), history AS (
    INSERT INTO smsd.attempt (id, submission, dispatcher, outcome, reason)
    SELECT attempt, id, dispatcher, outcome, reason FROM ended WHERE outcome <> 'accepted')
  SELECT id FROM ended)";
/// $1: sorted ids. For each of them: $2 smsid, $3 stamp.
inline constexpr const char* markSent = R"(
  UPDATE smsq q SET sent = 'Y', smsid = ($2::integer[])[width_bucket(id::bigint, $1::bigint[])], timesent = now()
  WHERE id = ANY($1::bigint[]) AND sent::text <> 'Y' AND )" SMSD_IS_IN("$3");
/// As in NAV, messages that did not fit into an SMS get its smsid, too.
inline constexpr const char* markIgnored = R"(
  UPDATE smsq q SET sent = 'I', smsid = ($2::integer[])[width_bucket(id::bigint, $1::bigint[])], timesent = now()
  WHERE id = ANY($1::bigint[]) AND sent::text = 'N' AND )" SMSD_IS_IN("$3");
/// Holds those messages that are still unsent. $1: sorted ids. For each of them: $2 submission, $3 stamp. An
/// existing entry with the same id and another stamp belongs to a former row, so it is overwritten.
inline constexpr const char* hold = R"(
  INSERT INTO smsd.held AS h (message, submission, stamp)
  SELECT id, ($2::bigint[])[width_bucket(id::bigint, $1::bigint[])], )" SMSD_STAMP R"( FROM smsq q
  WHERE id = ANY($1::bigint[]) AND sent::text = 'N' AND )" SMSD_IS_IN("$3") R"(
  ON CONFLICT (message) DO UPDATE SET submission = excluded.submission, stamp = excluded.stamp
  WHERE h.stamp IS DISTINCT FROM excluded.stamp)";
inline constexpr const char* wait = R"(
  INSERT INTO smsd.wait (recipient, rounds, due, reason, severity, since)
  SELECT recipient, rounds, now() + ms * interval '1 ms', nullif(reason, ''), severity, now() - failing * interval '1 ms'
  FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::text[], $5::integer[], $6::bigint[])
    u(recipient, rounds, ms, reason, severity, failing)
  ON CONFLICT (recipient) DO UPDATE SET rounds = excluded.rounds, due = excluded.due, reason = excluded.reason,
    severity = excluded.severity, since = excluded.since, noted = excluded.noted)";
inline constexpr const char* forgetWaits = "DELETE FROM smsd.wait WHERE recipient = ANY($1::text[])";

// --- operations of NAV's queue class
inline constexpr const char* cancel =
    "WITH cancelled AS ("
    "UPDATE smsq q SET sent = 'I', timesent = now() "
    "WHERE q.sent = 'N' AND ($1::bigint <= 0 OR q.time <= localtimestamp - $1::bigint * interval '1 ms') "
    "AND NOT EXISTS (SELECT FROM smsd.live l WHERE l.recipient = q.phone) "
    "AND NOT " SMSD_HELD "RETURNING q.id, q.phone, q.accountid, q.msg, q.severity, q.time, " SMSD_STAMP
    " AS stamp), "
    "noted AS (INSERT INTO smsd.ignored (message, reason, stamp) SELECT id, 'cancelled', stamp FROM "
    "cancelled) "
    "SELECT c.id, c.phone, a.name, c.msg, c.severity, to_char(c.time, 'YYYY-MM-DD HH24:MI'), false, false, "
    "count(*) OVER () FROM cancelled c LEFT JOIN account a ON a.id = c.accountid ORDER BY c.id LIMIT $2";
/// Recipients without claimable messages have nothing to wait for.
inline constexpr const char* forgetEmptyWaits =
    "DELETE FROM smsd.wait w WHERE NOT EXISTS (SELECT FROM smsq q WHERE q.sent = 'N' AND q.phone = "
    "w.recipient "
    "AND NOT " SMSD_HELD ")";

#define SMSD_STORED_COLUMNS                                                                  \
  "SELECT q.id, q.phone, a.name, q.msg, q.severity, to_char(q.time, 'YYYY-MM-DD HH24:MI'), " \
  "q.sent = 'N' AND EXISTS (SELECT FROM smsd.live l WHERE l.recipient = q.phone) "           \
  "AND NOT " SMSD_HELD ", q.sent = 'N' AND " SMSD_HELD
#define SMSD_STORED \
  SMSD_STORED_COLUMNS "FROM smsq q LEFT JOIN account a ON a.id = q.accountid WHERE q.sent = $1 "
inline constexpr const char* messages = SMSD_STORED "ORDER BY q.time, q.id LIMIT $2";
inline constexpr const char* messagesOf = SMSD_STORED "AND q.phone = $2 ORDER BY q.severity, q.time, q.id";
#undef SMSD_STORED

inline constexpr const char* recipients =
    "SELECT phone FROM (SELECT DISTINCT phone FROM smsq WHERE sent = $1) p ORDER BY phone COLLATE \"C\"";
inline constexpr const char* insert = R"(
  INSERT INTO smsq (accountid, time, phone, msg, severity)
  SELECT account, localtimestamp, phone, msg, severity
  FROM unnest($1::integer[], $2::text[], $3::text[], $4::integer[]) WITH ORDINALITY u(account, phone, msg, severity, n)
  ORDER BY n RETURNING id)";
/// Maximum number of characters in smsq's columns; only varchar(n) has one.
inline constexpr const char* widths = R"(
  SELECT max(atttypmod - 4) FILTER (WHERE attname = 'phone'), max(atttypmod - 4) FILTER (WHERE attname = 'msg')
  FROM pg_attribute WHERE attrelid = 'smsq'::regclass AND atttypid = 'varchar'::regtype AND atttypmod > 4)";
inline constexpr const char* setStatus = R"(
  UPDATE smsq SET sent = $2::char(1), smsid = $3, timesent = CASE WHEN $2::char(1) IN ('Y', 'I') THEN now() ELSE timesent END
  WHERE id = $1)";

inline constexpr const char* countUnsent =
    "SELECT count(*) FROM (SELECT FROM smsq WHERE sent = 'N' LIMIT $1) q";
/// The oldest message of each severity comes first in the index, so this needs one step per severity instead
/// of a walk over all rows. At most 64 severities are examined.
inline constexpr const char* oldestByIndex = R"(
  WITH RECURSIVE step(n, severity, time) AS (
    (SELECT 1, q.severity, q.time FROM smsq q WHERE q.sent = 'N' AND q.severity IS NOT NULL
     ORDER BY q.severity, q.time, q.id LIMIT 1)
    UNION ALL
    SELECT step.n + 1, next.severity, next.time FROM step CROSS JOIN LATERAL (
      SELECT q.severity, q.time FROM smsq q WHERE q.sent = 'N' AND q.severity > step.severity
      ORDER BY q.severity, q.time, q.id LIMIT 1) next
    WHERE step.n < 64)
  SELECT (extract(epoch FROM localtimestamp - min(time) FILTER (WHERE isfinite(time))) * 1000)::bigint FROM (
    SELECT time FROM step UNION ALL
    (SELECT q.time FROM smsq q WHERE q.sent = 'N' AND q.severity IS NULL ORDER BY q.severity, q.time, q.id LIMIT 1)) firsts)";
inline constexpr const char* countHeld =
    "SELECT count(*) FROM (SELECT FROM smsd.held h JOIN smsq q ON q.id = h.message AND " SMSD_IS(
        "h.stamp") " WHERE q.sent = 'N' LIMIT $1) q";
inline constexpr const char* anyBlamedWait = "SELECT EXISTS (SELECT FROM smsd.wait WHERE rounds > 0)";
/// Fetches the rows in index order, so that the bound of 10,000 holds whatever follows.
inline constexpr const char* oldestNotWaiting = R"(
  SELECT (extract(epoch FROM localtimestamp - min(q.time) FILTER (WHERE isfinite(q.time))) * 1000)::bigint
  FROM (SELECT id, time, phone, msg FROM smsq WHERE sent = 'N' ORDER BY severity, time, id LIMIT 10000) q
  WHERE NOT )" SMSD_HELD R"(
    AND NOT EXISTS (SELECT FROM smsd.wait w WHERE w.recipient = q.phone AND w.rounds > 0 AND w.due > now()))";
inline constexpr const char* oldestInOneScan =
    "SELECT (extract(epoch FROM localtimestamp - min(time) FILTER (WHERE isfinite(time))) * 1000)::bigint "
    "FROM smsq WHERE sent = 'N'";

// --- operator commands
#define SMSD_TO_THE_SECOND(time) "to_char(" time ", 'YYYY-MM-DD HH24:MI:SS')"

/// Messages that were marked or deleted by hand are no longer held. Dispatcher and reason are those of the
/// last attempt with an unknown outcome.
inline constexpr const char* held =
    "SELECT s.id, s.recipient, s.text, h.messages, s.severity, coalesce(a.dispatcher, s.dispatcher), "
    "coalesce(a.reason, s.reason), " SMSD_TO_THE_SECOND("s.ended") " "
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
inline constexpr const char* letGo =
    "DELETE FROM smsd.held WHERE submission = $1::bigint RETURNING message, stamp";
/// $1: sorted ids. $2: their stamps.
inline constexpr const char* countReleased =
    "SELECT count, pg_notify('smsd_queue', '') FROM (SELECT count(*) FROM smsq q "
    "WHERE id = ANY($1::bigint[]) AND sent::text = 'N' AND " SMSD_IS_IN("$2") ") released";
inline constexpr const char* markDiscarded =
    "UPDATE smsq q SET sent = 'I', timesent = now() WHERE id = ANY($1::bigint[]) AND sent::text = 'N' "
    "AND " SMSD_IS_IN("$2");

/// Both delete the rounds as well. They are two statements because no value of `recipient` may mean all.
#define SMSD_END_WAITS(condition)                         \
  "WITH ended AS (DELETE FROM smsd.wait WHERE " condition \
  " RETURNING 1) "                                        \
  "SELECT count, pg_notify('smsd_queue', '') FROM (SELECT count(*) FROM ended) c"
inline constexpr const char* endWaitOf = SMSD_END_WAITS("recipient = $1");
inline constexpr const char* endAllWaits = SMSD_END_WAITS("true");
#undef SMSD_END_WAITS
inline constexpr const char* recipientOf = "SELECT phone FROM smsq WHERE id = $1::bigint";

/// All parts of the report are read at one moment.
inline constexpr const char* oneSnapshot = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";
/// The wait is shown only for a message that could be claimed without it. $2: the longest wait in ms.
inline constexpr const char* life = SMSD_STORED_COLUMNS
    ", q.sent, " SMSD_TO_THE_SECOND("q.timesent") ", q.smsid, coalesce(w.rounds, 0), "
    "CASE WHEN " SMSD_IN_FORCE("$2") " THEN " SMSD_TO_THE_SECOND("w.due") " END, " SMSD_TO_THE_SECOND("w.since") ", "
    "(extract(epoch FROM now() - w.since) * 1000)::bigint "
    "FROM smsq q LEFT JOIN account a ON a.id = q.accountid "
    "LEFT JOIN smsd.wait w ON w.recipient = q.phone AND q.sent = 'N' AND NOT " SMSD_HELD
    "WHERE q.id = $1::bigint";
/// Reads the whole history: an index from messages to their SMS would slow down every SMS.
inline constexpr const char* submissionsWith =
    "SELECT s.id, (SELECT left(replace(queue::text, '-', ''), 12) FROM smsd.installation LIMIT 1) || '-' || s.id "
    "|| coalesce('-' || lpad(to_hex(s.stamps[1] & 4294967295), 8, '0'), ''), "
    "s.text, v.host || '[' || v.pid || ']', " SMSD_TO_THE_SECOND("s.created") ", " SMSD_TO_THE_SECOND("s.ended") ", "
    "s.fate, " SMSD_TO_THE_SECOND("s.decided") ", coalesce($1::bigint = ANY(s.sent_ids), false), "
    "s.sent_ids || s.ignored_ids, s.attempt, s.dispatcher, s.outcome, s.reason, s.reference "
    "FROM smsd.submission s LEFT JOIN smsd.supervisor v ON v.id = s.supervisor "
    "WHERE ($1::bigint = ANY(s.sent_ids) OR $1::bigint = ANY(s.ignored_ids)) AND (SELECT " 
    SMSD_IS("s.stamps[array_position(s.sent_ids || s.ignored_ids, $1::bigint)]") " FROM smsq q WHERE q.id = $1::bigint) "
    "ORDER BY s.id";
inline constexpr const char* attemptsOf =
    "SELECT a.submission, a.id, a.dispatcher, a.outcome, a.reason, " SMSD_TO_THE_SECOND("a.ended") " "
    "FROM smsd.attempt a WHERE a.submission = ANY($1::bigint[]) ORDER BY a.id";
inline constexpr const char* whyIgnored = "SELECT reason, " SMSD_TO_THE_SECOND("at") " "
    "FROM smsd.ignored i JOIN smsq q ON q.id = i.message AND " SMSD_IS("i.stamp") " WHERE message = $1::bigint "
    "ORDER BY at DESC LIMIT 1";

// --- the history
/// Reads $2 submissions after id $1. Returns for each whether it may be deleted, and whether it began too
/// recently for that; $3 is the age in ms. A held one may not, as long as one of its messages is held: those
/// that were marked or deleted by hand are not.
inline constexpr const char* lookAtHistory = R"(
  SELECT s.id, s.ended < now() - $3::bigint * interval '1 ms' AND (s.fate <> 'held' OR
      (SELECT h.message FROM smsd.held h WHERE h.submission = s.id AND
         (SELECT q.sent = 'N' AND )" SMSD_IS(
    "h.stamp") R"( FROM smsq q WHERE q.id = h.message) LIMIT 1) IS NULL),
    s.created >= now() - $3::bigint * interval '1 ms'
  FROM smsd.submission s WHERE s.id > $1 ORDER BY s.id LIMIT $2)";
inline constexpr const char* purgeHeld = "DELETE FROM smsd.held WHERE submission = ANY($1::bigint[])";
inline constexpr const char* purgeAttempts = "DELETE FROM smsd.attempt WHERE submission = ANY($1::bigint[])";
inline constexpr const char* purgeSubmissions = "DELETE FROM smsd.submission WHERE id = ANY($1::bigint[])";
inline constexpr const char* purgeIgnored = R"(
  DELETE FROM smsd.ignored WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM smsd.ignored WHERE at < now() - $1::bigint * interval '1 ms' ORDER BY at LIMIT $2)))";

#undef SMSD_TO_THE_SECOND
#undef SMSD_STORED_COLUMNS
#undef SMSD_HELD
#undef SMSD_IN_FORCE
#undef SMSD_IS_IN
#undef SMSD_IS
#undef SMSD_STAMP

}  // namespace smsd::queue::postgresql::sql
