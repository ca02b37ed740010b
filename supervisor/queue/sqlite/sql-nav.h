// SPDX-License-Identifier: GPL-3.0-or-later
// SQL of the operations of NAV's queue class on a queue in a file. Called by nav.cpp. {} is a letter of
// smsq.sent, as a literal so that the partial indexes are used.
#pragma once

#include "supervisor/queue/sqlite/sql-pace.h"
#include "supervisor/queue/sqlite/sql-parts.h"
#include "supervisor/queue/statement.h"

namespace smsd::queue::sqlite::sql {

enum class Cancelled { id };
// ?1: the present time. ?2: the least age in ms. ?3: an id, or 0. ?4: a recipient, or NULL.
#define SMSD_CHOSEN(verb) \
  verb " WHERE sent = 'N' AND phone NOT IN (SELECT recipient FROM smsd_submission " \
  "INDEXED BY smsd_submission_live WHERE ended IS NULL) AND NOT " SMSD_SQLITE_HELD("smsq")                \
  " AND (?2 <= 0 OR julianday(time) <= julianday(?1) - ?2 / 86400000.0) AND (?3 = 0 OR id = ?3) "          \
  "AND (?4 IS NULL OR phone = ?4) "
inline constexpr Statement<Cancelled> cancellable =
    SMSD_CHOSEN("SELECT id FROM smsq INDEXED BY smsq_unsent_order") "LIMIT ?5";
#undef SMSD_CHOSEN
// ?1: the present time. ?2: ids.
inline constexpr Statement<Cancelled> cancelThese =
    "UPDATE smsq SET sent = 'I', timesent = ?1 WHERE id IN (SELECT value FROM json_each(?2)) AND sent = 'N' "
    "AND phone NOT IN (SELECT recipient FROM smsd_submission INDEXED BY smsd_submission_live WHERE ended IS "
    "NULL) AND NOT " SMSD_SQLITE_HELD("smsq") " RETURNING id";
// Recipients of these messages without claimable ones have nothing to wait for.
constexpr auto forgetEmptyWaits =
    "DELETE FROM smsd_wait WHERE recipient IN (SELECT c.phone FROM json_each(?1) j CROSS JOIN smsq c ON c.id "
    "= j.value) AND NOT EXISTS (SELECT 1 FROM smsq INDEXED BY smsq_unsent_phone WHERE sent = 'N' AND phone = "
    "recipient AND NOT " SMSD_SQLITE_HELD("smsq") ")";

enum class Stored { id, phone, name, msg, severity, time, sent, underWay, held };
inline constexpr Statement<Stored> storedMessages = SMSD_SQLITE_STORED
    " FROM smsq q LEFT JOIN account a ON a.id = q.accountid WHERE q.sent = '{}' ORDER BY q.time, q.id LIMIT "
    "?";
inline constexpr Statement<Stored> messagesOf = SMSD_SQLITE_STORED
    " FROM smsq q LEFT JOIN account a ON a.id = q.accountid WHERE q.sent = '{}' AND q.phone = ? ORDER BY "
    "q.severity NULLS LAST, q.time, q.id";
inline constexpr Statement<Stored> firstMessagesOf = SMSD_SQLITE_STORED
    " FROM smsq q LEFT JOIN account a ON a.id = q.accountid WHERE q.sent = '{}' AND q.phone = ? ORDER BY "
    "q.severity NULLS LAST, q.time, q.id LIMIT ?";
inline constexpr Statement<Stored> oneMessage =
    SMSD_SQLITE_STORED " FROM smsq q LEFT JOIN account a ON a.id = q.accountid WHERE q.id = ?";

enum class Recipients { phone };
inline constexpr Statement<Recipients> recipients =
    "SELECT DISTINCT phone FROM smsq WHERE sent = '{}' ORDER BY phone";
constexpr auto insert =
    "INSERT INTO smsq (accountid, time, phone, msg, severity) VALUES (?, ?, ?, ?, ?) RETURNING id";
// As in NAV, a mark as unsent keeps the time of the former mark.
constexpr auto setStatus =
    "UPDATE smsq SET sent = ?1, smsid = ?2, timesent = iif(?1 = 'N', timesent, ?3) WHERE id = ?4";
enum class CountUnsent { unsent, oldest };
// Counts the severities from ?1 to ?2, at most ?3 rows. `oldest` is in ms since 1970.
inline constexpr Statement<CountUnsent> countUnsent =
    "SELECT count(*) AS unsent, CAST(round((julianday(min(time)) - 2440587.5) * 86400000) AS INTEGER) AS "
    "oldest FROM (SELECT time FROM smsq INDEXED BY smsq_unsent_order WHERE sent = 'N' AND severity BETWEEN "
    "?1 "
    "AND ?2 LIMIT ?3)";
inline constexpr Statement<CountUnsent> countUngraded =
    "SELECT count(*) AS unsent, CAST(round((julianday(min(time)) - 2440587.5) * 86400000) AS INTEGER) AS "
    "oldest FROM (SELECT time FROM smsq INDEXED BY smsq_unsent_order WHERE sent = 'N' AND severity IS NULL "
    "LIMIT ?)";
constexpr auto countHeld =
    "SELECT count(*) FROM (SELECT 1 FROM smsd_held h JOIN smsq q ON q.id = h.message AND " SMSD_SQLITE_IS(
        "q", "h.stamp") " WHERE q.sent = 'N' LIMIT ?)";
enum class OldestHeld { age };
// In ms. ?1: now, in ms since 1970. At most 10,000 held messages are examined.
inline constexpr Statement<OldestHeld> oldestHeld =
    R"(
  SELECT ?1 - CAST(round((julianday(min(ended)) - 2440587.5) * 86400000) AS INTEGER) AS age
  FROM (SELECT s.ended FROM smsd_held h JOIN smsq q ON q.id = h.message AND )" SMSD_SQLITE_IS("q",
                                                                                              "h.stamp") R"(
        JOIN smsd_submission s ON s.id = h.submission WHERE q.sent = 'N' LIMIT 10000))";
enum class StillIgnored { id };
inline constexpr Statement<StillIgnored> stillIgnored =
    "SELECT q.id FROM json_each(?) j CROSS JOIN smsq q ON q.id = j.value WHERE q.sent = 'I'";
constexpr auto anyBlamedWait = "SELECT EXISTS (SELECT 1 FROM smsd_wait WHERE rounds > 0)";

/// In ms since 1970.
enum class Oldest { oldest };
// The index has all columns of the inner query, and gives the order, so that nothing is sorted. Only the rows
// of held messages are read from the table, for their stamps.
inline constexpr Statement<Oldest> oldestNotWaiting =
    R"(
  SELECT CAST(round((julianday(min(q.time)) - 2440587.5) * 86400000) AS INTEGER) AS oldest
  FROM (SELECT id, time, phone, severity FROM smsq INDEXED BY smsq_unsent_order WHERE sent = 'N'
        ORDER BY severity NULLS LAST, time, id LIMIT 10000) q
  WHERE julianday(q.time) IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM smsd_held h CROSS JOIN smsq r ON r.id = h.message
                    WHERE h.message = q.id AND )" SMSD_SQLITE_IS("r", "h.stamp") R"()
    AND NOT EXISTS (SELECT 1 FROM smsd_wait w WHERE w.recipient = q.phone AND w.rounds > 0 AND w.due > ?1)
    AND NOT EXISTS (SELECT 1 FROM smsd_pace p WHERE p.recipient = q.phone AND )" SMSD_SQLITE_PACED("?1") R"(
                    AND )" SMSD_SQLITE_WAITS_PACED ")";

enum class OldestAbove { severity, oldest };
// The first index entry of a severity is its oldest message, and the next severity is one seek away.
inline constexpr Statement<OldestAbove> oldestAbove =
    "SELECT severity, CAST(round((julianday(time) - 2440587.5) * 86400000) AS INTEGER) AS oldest FROM smsq "
    "INDEXED BY "
    "smsq_unsent_order "
    "WHERE sent = 'N' AND severity > ? ORDER BY severity, time LIMIT 1";
inline constexpr Statement<Oldest> oldestOfOthers =
    "SELECT CAST(round((julianday(time) - 2440587.5) * 86400000) AS INTEGER) AS oldest FROM smsq INDEXED BY "
    "smsq_unsent_order WHERE sent = "
    "'N' AND severity IS NULL ORDER BY time LIMIT 1";

}  // namespace smsd::queue::sqlite::sql
