// SPDX-License-Identifier: GPL-3.0-or-later
// SQL of submitted alerts on a queue in a file. Called by intake.cpp, claim.cpp and operator.cpp.
#pragma once

#include "supervisor/queue/sqlite/sql-parts.h"
#include "supervisor/queue/statement.h"

namespace smsd::queue::sqlite::sql {

// An unsent message with this id and this stamp.
#define SMSD_SQLITE_UNSENT(message, stamp) \
  "EXISTS (SELECT 1 FROM smsq q WHERE q.id = " message " AND q.sent = 'N' AND " SMSD_SQLITE_IS("q", stamp) ")"

enum class KeptKey { message, stamp, counts };
// ?1: an identity (intake.h). ?2: now, ?3: the time for which a key counts, in ms. A key from the future
// counts as over, because the clock was stepped.
inline constexpr Statement<KeptKey> keptKey =
    "SELECT message, stamp, (at >= ?2 - ?3 AND at <= ?2 + 60000) OR " SMSD_SQLITE_UNSENT(
        "message", "stamp") " AS counts FROM smsd_alert_key WHERE identity = ?1";
constexpr auto bindKey =
    "INSERT INTO smsd_alert_key (identity, message, stamp, at) VALUES (?1, ?2, ?3, ?4) "
    "ON CONFLICT (identity) DO UPDATE SET message = ?2, stamp = ?3, at = ?4";
constexpr auto countRepeat =
    "UPDATE smsd_alert SET repeats = repeats + 1, repeated = ?3 WHERE message = ?1 AND stamp = ?2";

// ?1: now as text. ?2: an id. ?3: its stamp.
constexpr auto resolve =
    "UPDATE smsq SET sent = 'I', timesent = ?1 WHERE id = ?2 AND sent = 'N' AND " SMSD_SQLITE_IS("smsq", "?3")
    " AND NOT EXISTS (SELECT 1 FROM smsd_submission s INDEXED BY smsd_submission_live WHERE s.recipient = phone AND "
    "s.ended IS NULL) AND NOT " SMSD_SQLITE_HELD("smsq");
constexpr auto noteResolver = "UPDATE smsd_alert SET resolved_by = ?3 WHERE message = ?1 AND stamp = ?2";
constexpr auto resolvedBefore =
    "SELECT 1 FROM smsd_ignored WHERE message = ?1 AND reason = 'resolved' AND stamp = ?2";

constexpr auto putAlert =
    "INSERT INTO smsd_alert (message, stamp, caller, label, group_name, key, expires, due, submitted) VALUES "
    "(?1, ?2, "
    "?3, nullif(?4, ''), nullif(?5, ''), nullif(?6, ''), ?7, ?7, ?8)";

// For the claim. ?1: now in ms.
constexpr auto anyAlertDue = "SELECT 1 FROM smsd_alert INDEXED BY smsd_alert_due WHERE due <= ?1 LIMIT 1";
enum class ExpiredAlert { id };
// ?1: now as text. ?2: now in ms. At most 1,000 of them.
inline constexpr Statement<ExpiredAlert> expireAlerts =
    "UPDATE smsq SET sent = 'I', timesent = ?1 WHERE id IN (SELECT a.message FROM smsd_alert a INDEXED BY smsd_alert_due "
    "JOIN smsq q ON q.id = a.message AND " SMSD_SQLITE_IS("q", "a.stamp") " WHERE a.due <= ?2 AND q.sent = 'N' AND NOT "
    "EXISTS (SELECT 1 FROM smsd_submission s INDEXED BY smsd_submission_live WHERE s.recipient = q.phone AND s.ended IS "
    "NULL) AND NOT " SMSD_SQLITE_HELD("q") " LIMIT 1000) RETURNING id";
// ?1: now in ms.
constexpr auto forgetDueAlerts =
    "UPDATE smsd_alert INDEXED BY smsd_alert_due SET due = NULL WHERE due <= ?1 AND NOT " SMSD_SQLITE_UNSENT(
        "smsd_alert.message", "smsd_alert.stamp");

enum class AlertOf { caller, label, groupName, key, expires, repeats, repeated, resolvedBy };
inline constexpr Statement<AlertOf> alertOf =
    "SELECT a.caller, a.label, a.group_name, a.key, strftime('%Y-%m-%d %H:%M:%S', a.expires / 1000, "
    "'unixepoch') AS "
    "expires, a.repeats, strftime('%Y-%m-%d %H:%M:%S', a.repeated / 1000, 'unixepoch') AS repeated, "
    "a.resolved_by "
    "FROM smsd_alert a JOIN smsq q ON q.id = a.message AND " SMSD_SQLITE_IS(
        "q", "a.stamp") " WHERE a.message = ? LIMIT 1";
// A restored message is to be sent, so it does not expire any more.
constexpr auto forgetExpiry = "UPDATE smsd_alert SET expires = NULL, due = NULL WHERE message = ?";

// ?1: the time in ms since 1970 before which they are old. ?2: how many at most. Those of unsent messages
// stay.
constexpr auto purgeAlerts =
    "DELETE FROM smsd_alert WHERE rowid IN (SELECT rowid FROM smsd_alert a WHERE a.submitted < ?1 AND NOT "
    "EXISTS (SELECT "
    "1 FROM smsq q WHERE q.id = a.message AND q.sent = 'N') ORDER BY a.submitted LIMIT ?2)";
constexpr auto purgeKeys =
    "DELETE FROM smsd_alert_key WHERE identity IN (SELECT identity FROM smsd_alert_key k WHERE k.at < ?1 AND "
    "NOT EXISTS "
    "(SELECT 1 FROM smsq q WHERE q.id = k.message AND q.sent = 'N') ORDER BY k.at LIMIT ?2)";
#undef SMSD_SQLITE_UNSENT

}  // namespace smsd::queue::sqlite::sql
