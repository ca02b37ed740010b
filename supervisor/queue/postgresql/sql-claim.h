// SPDX-License-Identifier: GPL-3.0-or-later
// SQL of a claim in PostgreSQL. Called by claim.cpp. The rules in sql-parts.h hold for each statement.
#pragma once

#include "supervisor/queue/postgresql/sql-parts.h"
#include "supervisor/queue/statement.h"

namespace smsd::queue::postgresql::sql {

enum class Walk { id, phone, severity, time, taken, held };
#define SMSD_WALK_COLUMNS(longest) \
  "SELECT q.id, q.phone, q.severity, q.time::text, "                                           \
  "EXISTS (SELECT FROM smsd.wait w WHERE w.recipient = q.phone AND " SMSD_IN_FORCE(longest) " AND NOT " \
  "coalesce(q.severity < w.severity, q.severity IS NOT NULL)) OR "                             \
  "EXISTS (SELECT FROM smsd.live l WHERE l.recipient = q.phone) AS "                           \
  "taken, " SMSD_HELD "AS held FROM "
#define SMSD_WALK(longest) SMSD_WALK_COLUMNS(longest) "smsq q "
/// walkGraded reads rows with a severity: ($1, $2, $3) is the last row seen, $4 the rows per page, $5 the
/// longest wait in ms. walkUngraded reads rows without a severity: ($1, $2) is the last row seen, $3 the rows
/// per page, $4 the longest wait in ms.
inline constexpr Statement<Walk> walkGraded =
    SMSD_WALK("$5")
    "WHERE q.sent = 'N' AND (q.severity, q.time, q.id) > ($1::integer, $2::timestamp, $3::bigint) "
    "ORDER BY q.severity, q.time, q.id LIMIT $4";
inline constexpr Statement<Walk> walkUngraded =
    SMSD_WALK("$4")
    "WHERE q.sent = 'N' AND q.severity IS NULL AND (q.time, q.id) > ($1::timestamp, $2::bigint) "
    "ORDER BY q.severity, q.time, q.id LIMIT $3";
/// Rows with a higher id wait for the next pass.
inline constexpr const char* lastMessage = "SELECT coalesce(max(id), 0) FROM smsq";
/// Both in one statement, for a table that has to be read as a whole.
inline constexpr Statement<Walk> walkAll =
    SMSD_WALK("$5")
    "WHERE q.sent = 'N' AND (q.severity IS NULL OR (q.severity, q.time, q.id) > ($1::integer, $2::timestamp, "
    "$3::bigint)) "
    "ORDER BY q.severity, q.time, q.id LIMIT $4";
#undef SMSD_WALK
/// The first row of each recipient, in the order of recipients: for a queue in which most rows are of few
/// recipients. Steps from one recipient to the next in the index. $1: the longest wait in ms; $2: the most
/// recipients.
inline constexpr Statement<Walk> walkRecipients =
    "WITH RECURSIVE r(phone) AS ("
    "(SELECT q.phone::text FROM smsq q WHERE q.sent = 'N' AND q.phone IS NOT NULL "
    "ORDER BY q.phone, q.severity, q.time, q.id LIMIT 1) "
    "UNION ALL "
    "SELECT n.phone FROM r CROSS JOIN LATERAL (SELECT q.phone::text FROM smsq q "
    "WHERE q.sent = 'N' AND q.phone > r.phone ORDER BY q.phone, q.severity, q.time, q.id LIMIT 1) n) "
    SMSD_WALK_COLUMNS("$1")
    "(SELECT phone FROM r LIMIT $2) r CROSS JOIN LATERAL ("
    "SELECT q.id, q.phone, q.severity, q.time, q.msg FROM smsq q "
    "WHERE q.sent = 'N' AND q.phone >= r.phone AND q.phone <= r.phone AND NOT " SMSD_HELD
    "ORDER BY q.phone, q.severity, q.time, q.id LIMIT 1) q";
#undef SMSD_WALK_COLUMNS

enum class Take { submission, attempt, recipient };
/// Waits for a transaction that takes or releases the same recipient.
inline constexpr Statement<Take> take =
    R"(
  INSERT INTO smsd.live (recipient, supervisor)
  SELECT recipient, $2 FROM unnest($1::text[]) r(recipient) ORDER BY recipient COLLATE "C"
  ON CONFLICT (recipient) DO NOTHING
  RETURNING submission, nextval('smsd.attempt_id') AS attempt, recipient)";

enum class Read { n, id, msg, severity, time, old, rounds, waits, waitsFor, stamp, failing, noted, age };
#define SMSD_MESSAGE                                                \
  "q.id, left(q.msg, 4000) AS msg, q.severity, q.time, " SMSD_STAMP \
  " AS stamp, "                                                     \
  "coalesce(q.time < localtimestamp - $2::bigint * interval '1 ms', false) AS old "
/// Reads up to $3 messages of each recipient, most severe first. Its snapshot is later than that of `take`,
/// so it sees messages and waits as the end of the recipient's former submission left them. The phone is
/// compared by >= and <=, and the order begins with it. With = the phone would be a constant, and a planner
/// that believes that nothing is unsent would consider the index on (severity, time, id) as good as the right
/// one.
/// `text` and `old` are those of the row, or with those of the alert that a program submitted. An alert is
/// found by a LATERAL with a LIMIT, which no planner can turn around.
#define SMSD_READ(text, old) \
  "SELECT r.n, m.id, " text " AS msg, m.severity, m.time::text, " old " AS old, " \
  "coalesce(w.rounds, 0) AS rounds, " SMSD_IN_FORCE("$4") " AS waits, w.severity AS waits_for, m.stamp, " \
  "(extract(epoch FROM now() - w.since) * 1000)::bigint AS failing, (extract(epoch FROM w.noted) * 1000)::bigint AS noted, " \
  "CASE WHEN isfinite(m.time) THEN (extract(epoch FROM localtimestamp - m.time) * 1000)::bigint END AS age "
#define SMSD_OLD "(m.old OR coalesce(a.expires <= now(), false))"
#define SMSD_ALERT                                                                                      \
  "LEFT JOIN LATERAL (SELECT a.text, a.expires FROM smsd.alert a WHERE a.message = m.id AND a.stamp = " \
  "m.stamp "                                                                                            \
  "LIMIT 1) a ON true "
#define SMSD_BY_INDEX                                                                                   \
  "FROM unnest($1::text[]) WITH ORDINALITY r(phone, n) LEFT JOIN smsd.wait w ON w.recipient = r.phone " \
  "CROSS JOIN LATERAL (SELECT " SMSD_MESSAGE                                                            \
  "FROM smsq q WHERE q.sent = 'N' AND q.phone >= r.phone AND q.phone <= r.phone AND NOT " SMSD_HELD     \
  "ORDER BY q.phone, q.severity, q.time, q.id LIMIT $3) m "
#define SMSD_IN_ONE_SCAN                                                                   \
  "FROM (SELECT q.phone, " SMSD_MESSAGE                                                    \
  ", row_number() OVER (PARTITION BY q.phone ORDER BY q.severity, q.time, q.id) AS place " \
  "FROM smsq q WHERE q.sent = 'N' AND q.phone = ANY($1::text[]) AND NOT " SMSD_HELD        \
  ") m JOIN unnest($1::text[]) WITH ORDINALITY r(phone, n) ON r.phone = m.phone "          \
  "LEFT JOIN smsd.wait w ON w.recipient = r.phone "
#define SMSD_READ_ORDER "ORDER BY r.n, m.severity, m.time, m.id"
inline constexpr Statement<Read> readByIndex =
    SMSD_READ("coalesce(a.text, m.msg)", SMSD_OLD) SMSD_BY_INDEX SMSD_ALERT SMSD_READ_ORDER;
inline constexpr Statement<Read> readInOneScan = SMSD_READ("coalesce(a.text, m.msg)", SMSD_OLD)
    SMSD_IN_ONE_SCAN SMSD_ALERT "WHERE m.place <= $3 " SMSD_READ_ORDER;
/// For a schema without alerts.
inline constexpr Statement<Read> readRowsByIndex = SMSD_READ("m.msg", "m.old") SMSD_BY_INDEX SMSD_READ_ORDER;
inline constexpr Statement<Read> readRowsInOneScan =
    SMSD_READ("m.msg", "m.old") SMSD_IN_ONE_SCAN "WHERE m.place <= $3 " SMSD_READ_ORDER;
#undef SMSD_READ_ORDER
#undef SMSD_IN_ONE_SCAN
#undef SMSD_BY_INDEX
#undef SMSD_ALERT
#undef SMSD_OLD
#undef SMSD_READ
#undef SMSD_MESSAGE

inline constexpr const char* expire = R"(
  WITH expired AS (
    UPDATE smsq q SET sent = 'I', timesent = now() WHERE id = ANY($1::bigint[]) AND sent::text = 'N'
    RETURNING id, )" SMSD_STAMP R"( AS stamp)
  INSERT INTO smsd.ignored (message, reason, stamp) SELECT id, 'expired', stamp FROM expired)";
inline constexpr const char* endClaims = "DELETE FROM smsd.live WHERE recipient = ANY($1::text[])";
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

enum class NextDue { dueIn };
inline constexpr Statement<NextDue> nextDue =
    "SELECT least($1::bigint, ceil(extract(epoch FROM min(due) - now()) * 1000)::bigint) AS due_in FROM "
    "smsd.wait "
    "WHERE due > now() HAVING min(due) IS NOT NULL";

}  // namespace smsd::queue::postgresql::sql
