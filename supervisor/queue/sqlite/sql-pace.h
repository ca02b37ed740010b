// SPDX-License-Identifier: GPL-3.0-or-later
// SQL of storm control on a queue in a file: when an SMS left to a recipient. Called by claim.cpp,
// settle.cpp, nav.cpp and operator.cpp.
#pragma once

#include "supervisor/queue/sqlite/sql-parts.h"
#include "supervisor/queue/statement.h"

namespace smsd::queue::sqlite::sql {

// True if the window or the hour of `p` is not over: as SMSD_SQLITE_IN_FORCE, with the longest that there is.
#define SMSD_SQLITE_PACED(now) SMSD_SQLITE_IN_FORCE("p", now, "3600000")
// True if the message `q` waits because of `p`.
#define SMSD_SQLITE_WAITS_PACED "NOT coalesce(q.severity <= p.exempt, 0)"

constexpr auto anyPace = "SELECT 1 FROM smsd_pace LIMIT 1";
enum class PaceOf { wait, hourAge, sent };
// Times are in ms. ?1: recipient; ?2: now in ms.
inline constexpr Statement<PaceOf> paceOf =
    "SELECT iif(" SMSD_SQLITE_PACED("?2") ", p.due - ?2, 0) AS wait, ?2 - p.hour AS hour_age, p.sent FROM "
    "smsd_pace p WHERE p.recipient = ?1";
constexpr auto recordPace =
    "INSERT INTO smsd_pace (recipient, due, exempt, hour, sent, noted) VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
    "ON CONFLICT (recipient) DO UPDATE SET due = ?2, exempt = ?3, hour = ?4, sent = ?5, noted = ?6";
constexpr auto forgetOldPaces = "DELETE FROM smsd_pace WHERE due < ?1 - 3600000 AND hour < ?1 - 3600000";

// The recipient after ?, in their order, and its first row that is not held.
enum class NextRecipient { phone };
inline constexpr Statement<NextRecipient> nextRecipient =
    "SELECT phone FROM smsq INDEXED BY smsq_unsent_phone WHERE sent = 'N' AND phone >= ? ORDER BY phone "
    "LIMIT 1";
enum class FirstOf { severity, time, id };
inline constexpr Statement<FirstOf> firstGradedOf =
    "SELECT severity, time, id FROM smsq INDEXED BY smsq_unsent_phone WHERE sent = 'N' AND phone = ? AND "
    "severity IS NOT NULL AND NOT " SMSD_SQLITE_HELD("smsq") " ORDER BY severity, time, id LIMIT 1";
inline constexpr Statement<FirstOf> firstUngradedOf =
    "SELECT severity, time, id FROM smsq INDEXED BY smsq_unsent_phone WHERE sent = 'N' AND phone = ? AND "
    "severity IS NULL AND NOT " SMSD_SQLITE_HELD("smsq") " ORDER BY time, id LIMIT 1";

// ?1: now in ms.
constexpr auto anyPaced = "SELECT EXISTS (SELECT 1 FROM smsd_pace p WHERE " SMSD_SQLITE_PACED("?1") ")";
// ?2: the most messages to count.
constexpr auto countPaced =
    "SELECT count(*) FROM (SELECT 1 FROM smsd_pace p CROSS JOIN smsq q INDEXED BY smsq_unsent_phone ON "
    "q.sent "
    "= 'N' AND q.phone = p.recipient WHERE " SMSD_SQLITE_PACED(
        "?1") " AND " SMSD_SQLITE_WAITS_PACED " AND NOT " SMSD_SQLITE_HELD("q") " LIMIT ?2)";

enum class PacedUntil { time };
// ?1: now in ms; ?2: a message.
inline constexpr Statement<PacedUntil> pacedUntil =
    "SELECT strftime('%Y-%m-%d %H:%M:%S', p.due / 1000, 'unixepoch') AS time FROM smsq q JOIN smsd_pace p ON "
    "p.recipient = q.phone WHERE q.id = ?2 AND q.sent = 'N' AND " SMSD_SQLITE_PACED(
        "?1") " AND " SMSD_SQLITE_WAITS_PACED " AND NOT " SMSD_SQLITE_HELD("q");

}  // namespace smsd::queue::sqlite::sql
