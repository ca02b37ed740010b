// SPDX-License-Identifier: GPL-3.0-or-later
// SQL of the operations of NAV's queue class in PostgreSQL. Called by nav.cpp.
#pragma once

#include "supervisor/queue/postgresql/sql-pace.h"
#include "supervisor/queue/postgresql/sql-parts.h"
#include "supervisor/queue/statement.h"

namespace smsd::queue::postgresql::sql {

enum class Cancelled { id, phone, name, msg, severity, time, underWay, held, count };
/// $1: the least age in ms; $3: an id, or 0; $4: a recipient, or NULL.
#define SMSD_CHOSEN                                                                                      \
  "WHERE q.sent = 'N' AND ($1::bigint <= 0 OR q.time <= localtimestamp - $1::bigint * interval '1 ms') " \
  "AND ($3::bigint = 0 OR q.id = $3::bigint) AND ($4::text IS NULL OR q.phone = $4::text) "              \
  "AND NOT EXISTS (SELECT FROM smsd.live l WHERE l.recipient = q.phone) AND NOT " SMSD_HELD
#define SMSD_CANCELLED                                                                                     \
  "SELECT c.id, c.phone, a.name, c.msg, c.severity, to_char(c.time, 'YYYY-MM-DD HH24:MI') AS time, false " \
  "AS under_way, false AS held, count(*) OVER () "
enum class Cancellable { id };
inline constexpr Statement<Cancellable> cancellable = "SELECT q.id FROM smsq q " SMSD_CHOSEN "LIMIT $2";
/// $1: sorted ids.
inline constexpr Statement<Cancelled> cancelThese =
    "WITH cancelled AS ("
    "UPDATE smsq q SET sent = 'I', timesent = now() WHERE q.id = ANY($1::bigint[]) AND q.sent::text = 'N' "
    "AND NOT EXISTS (SELECT FROM smsd.live l WHERE l.recipient = q.phone) AND NOT " SMSD_HELD
    "RETURNING q.id, q.phone, q.accountid, q.msg, q.severity, q.time, " SMSD_STAMP
    " AS stamp), "
    "noted AS (INSERT INTO smsd.ignored (message, reason, stamp) SELECT id, 'cancelled', stamp FROM "
    "cancelled) " SMSD_CANCELLED
    "FROM cancelled c LEFT JOIN account a ON a.id = c.accountid ORDER BY c.id LIMIT $2";
inline constexpr Statement<Cancelled> previewCancel =
    SMSD_CANCELLED "FROM (SELECT q.* FROM smsq q " SMSD_CHOSEN
                   ") c LEFT JOIN account a ON a.id = c.accountid ORDER BY c.id LIMIT $2";
#undef SMSD_CANCELLED
#undef SMSD_CHOSEN
/// Recipients of these messages without claimable ones have nothing to wait for.
inline constexpr const char* forgetEmptyWaits =
    "DELETE FROM smsd.wait w WHERE w.recipient IN (SELECT c.phone FROM smsq c WHERE c.id = "
    "ANY($1::bigint[])) "
    "AND NOT EXISTS (SELECT FROM smsq q WHERE q.sent = 'N' AND q.phone = "
    "w.recipient "
    "AND NOT " SMSD_HELD ")";

enum class Stored { id, phone, name, msg, severity, time, underWay, held };
#define SMSD_STORED \
  SMSD_STORED_COLUMNS "FROM smsq q LEFT JOIN account a ON a.id = q.accountid WHERE q.sent = $1 "
inline constexpr Statement<Stored> storedMessages = SMSD_STORED "ORDER BY q.time, q.id LIMIT $2";
inline constexpr Statement<Stored> messagesOf =
    SMSD_STORED "AND q.phone = $2 ORDER BY q.severity, q.time, q.id";
inline constexpr Statement<Stored> firstMessagesOf =
    SMSD_STORED "AND q.phone = $2 ORDER BY q.severity, q.time, q.id LIMIT $3";
#undef SMSD_STORED

enum class Recipients { phone };
inline constexpr Statement<Recipients> recipients =
    "SELECT phone FROM (SELECT DISTINCT phone FROM smsq WHERE sent = $1) p ORDER BY phone COLLATE \"C\"";

enum class Inserted { id };
inline constexpr Statement<Inserted> insert =
    R"(
  INSERT INTO smsq (accountid, time, phone, msg, severity)
  SELECT account, localtimestamp, phone, msg, severity
  FROM unnest($1::integer[], $2::text[], $3::text[], $4::integer[]) WITH ORDINALITY u(account, phone, msg, severity, n)
  ORDER BY n RETURNING id)";

enum class Widths { phone, msg };
/// Maximum number of characters in smsq's columns; only varchar(n) has one.
inline constexpr Statement<Widths> widths =
    R"(
  SELECT max(atttypmod - 4) FILTER (WHERE attname = 'phone') AS phone, max(atttypmod - 4) FILTER (WHERE attname = 'msg') AS msg
  FROM pg_attribute WHERE attrelid = 'smsq'::regclass AND atttypid = 'varchar'::regtype AND atttypmod > 4)";
inline constexpr const char* setStatus = R"(
  UPDATE smsq SET sent = $2::char(1), smsid = $3, timesent = CASE WHEN $2::char(1) IN ('Y', 'I') THEN now() ELSE timesent END
  WHERE id = $1)";

enum class CountUnsent { severity, unsent, age };
/// One row for each severity of 1 to 9, one (0) for all others, and one (NULL) without a severity. The age of
/// the oldest is in ms.
inline constexpr Statement<CountUnsent> countUnsent =
    R"(
  SELECT severity, count(*) AS unsent,
         (extract(epoch FROM localtimestamp - min(time) FILTER (WHERE isfinite(time))) * 1000)::bigint AS age
  FROM (SELECT CASE WHEN severity BETWEEN 1 AND 9 THEN severity WHEN severity IS NOT NULL THEN 0 END AS severity, time
        FROM smsq WHERE sent = 'N' LIMIT $1) q GROUP BY severity ORDER BY severity)";

/// The age is in ms.
/// The oldest message of each severity comes first in the index, so this needs one step per severity instead
/// of a walk over all rows. At most 64 severities are examined.
enum class OldestOfAll { age, severity };
inline constexpr Statement<OldestOfAll> oldestByIndex =
    R"(
  WITH RECURSIVE step(n, severity, time) AS (
    (SELECT 1, q.severity, q.time FROM smsq q WHERE q.sent = 'N' AND q.severity IS NOT NULL
     ORDER BY q.severity, q.time, q.id LIMIT 1)
    UNION ALL
    SELECT step.n + 1, next.severity, next.time FROM step CROSS JOIN LATERAL (
      SELECT q.severity, q.time FROM smsq q WHERE q.sent = 'N' AND q.severity > step.severity
      ORDER BY q.severity, q.time, q.id LIMIT 1) next
    WHERE step.n < 64)
  SELECT (extract(epoch FROM localtimestamp - min(time) FILTER (WHERE isfinite(time))) * 1000)::bigint AS age,
         (array_agg(severity ORDER BY time) FILTER (WHERE isfinite(time)))[1] AS severity FROM (
    SELECT time, severity FROM step UNION ALL
    (SELECT q.time, q.severity FROM smsq q WHERE q.sent = 'N' AND q.severity IS NULL ORDER BY q.severity, q.time, q.id LIMIT 1)) firsts)";
inline constexpr const char* countHeld =
    "SELECT count(*) FROM (SELECT FROM smsd.held h JOIN smsq q ON q.id = h.message AND " SMSD_IS(
        "h.stamp") " WHERE q.sent = 'N' LIMIT $1) q";
enum class OldestHeld { age };
/// In ms. At most 10,000 held messages are examined.
inline constexpr Statement<OldestHeld> oldestHeld =
    "SELECT (extract(epoch FROM now() - min(ended)) * 1000)::bigint AS age FROM (SELECT s.ended FROM "
    "smsd.held h "
    "JOIN smsq q ON q.id = h.message AND " SMSD_IS(
        "h.stamp") " JOIN smsd.submission s ON s.id = h.submission WHERE q.sent = 'N' LIMIT 10000) held";
enum class StillIgnored { id };
inline constexpr Statement<StillIgnored> stillIgnored =
    "SELECT id FROM smsq WHERE id = ANY($1::bigint[]) AND sent = 'I'";
inline constexpr const char* anyBlamedWait = "SELECT EXISTS (SELECT FROM smsd.wait WHERE rounds > 0)";
/// In ms.
enum class Oldest { age };
/// Fetches the rows in index order, so that the bound of 10,000 holds whatever follows.
#define SMSD_OLDEST_NOT_WAITING                                                                         \
  "SELECT (extract(epoch FROM localtimestamp - min(q.time) FILTER (WHERE isfinite(q.time))) * "         \
  "1000)::bigint AS age "                                                                               \
  "FROM (SELECT id, time, phone, msg, severity FROM smsq WHERE sent = 'N' ORDER BY severity, time, id " \
  "LIMIT 10000) q "                                                                                     \
  "WHERE NOT " SMSD_HELD                                                                                \
  "AND NOT EXISTS (SELECT FROM smsd.wait w WHERE w.recipient = q.phone AND w.rounds > 0 AND w.due > now())"
inline constexpr Statement<Oldest> oldestNotWaiting = SMSD_OLDEST_NOT_WAITING;
inline constexpr Statement<Oldest> oldestNotPaced = SMSD_OLDEST_NOT_WAITING
    " AND NOT EXISTS (SELECT FROM smsd.pace p WHERE p.recipient = q.phone AND " SMSD_PACED
    " AND " SMSD_WAITS_PACED ")";
#undef SMSD_OLDEST_NOT_WAITING
inline constexpr Statement<OldestOfAll> oldestInOneScan =
    "SELECT (extract(epoch FROM localtimestamp - time) * 1000)::bigint AS age, severity FROM (SELECT) one "
    "LEFT JOIN LATERAL (SELECT time, severity FROM smsq WHERE sent = 'N' AND isfinite(time) "
    "ORDER BY time LIMIT 1) q ON true";

}  // namespace smsd::queue::postgresql::sql
