// SPDX-License-Identifier: GPL-3.0-or-later
// SQL of a claim on a queue in a file. Called by claim.cpp.
#pragma once

#include "supervisor/queue/sqlite/sql-parts.h"
#include "supervisor/queue/statement.h"

namespace smsd::queue::sqlite::sql {

enum class Walk { severity, time, id, phone };
// Continue from a position, in three steps. A single (severity, time, id) > (?, ?, ?) would seek by the first
// two columns only, and read the rows of one INSERT, which have the same time, again and again.
inline constexpr Statement<Walk> onwardInTime =
    "SELECT severity, time, id, phone FROM smsq INDEXED BY smsq_unsent_order WHERE sent = 'N' AND severity "
    "IS ? AND time = ? "
    "AND id > ? ORDER BY id LIMIT ?";
inline constexpr Statement<Walk> onwardInSeverity =
    "SELECT severity, time, id, phone FROM smsq INDEXED BY smsq_unsent_order WHERE sent = 'N' AND severity "
    "IS ? AND time > ? "
    "ORDER BY time, id LIMIT ?";
inline constexpr Statement<Walk> onward =
    "SELECT severity, time, id, phone FROM smsq INDEXED BY smsq_unsent_order WHERE sent = 'N' AND severity > "
    "? ORDER BY "
    "severity, time, id LIMIT ?";

enum class Live { id, severity };
inline constexpr Statement<Live> isLive =
    "SELECT id, severity FROM smsd_submission INDEXED BY smsd_submission_live WHERE recipient = ? AND ended "
    "IS "
    "NULL";
constexpr auto anyHeld = "SELECT 1 FROM smsd_held LIMIT 1";
constexpr auto anyWait = "SELECT 1 FROM smsd_wait LIMIT 1";
constexpr auto isHeld =
    "SELECT 1 FROM smsd_held h JOIN smsq q ON q.id = h.message WHERE h.message = ? AND " SMSD_SQLITE_IS(
        "q", "h.stamp");

// ?2: now in ms; ?3: the longest wait in ms.
enum class WaitOf { inForce, rounds, severity, since, noted };
inline constexpr Statement<WaitOf> waitOf =
    "SELECT " SMSD_SQLITE_IN_FORCE("w", "?2", "?3") " AS in_force, rounds, severity, since, noted FROM "
    "smsd_wait w WHERE recipient = ?1";
constexpr auto lastMessage = "SELECT coalesce(max(id), 0) FROM smsq";

enum class Expired { id };
// The unsent rows of a recipient (?2) that are older than ?3 ms now (?1). A row whose time is invalid never
// expires.
#define SMSD_SQLITE_OLD "sent = 'N' AND phone = ?2 AND julianday(time) < julianday(?1) - ?3 / 86400000.0"
// Nearly always none, so that this is looked for first: RETURNING makes `expire` much slower.
constexpr auto isAnyOld = "SELECT 1 FROM smsq INDEXED BY smsq_unsent_phone WHERE " SMSD_SQLITE_OLD " LIMIT 1";
inline constexpr Statement<Expired> expire =
    "UPDATE smsq INDEXED BY smsq_unsent_phone SET sent = 'I', timesent = ?1 WHERE " SMSD_SQLITE_OLD
    " AND NOT " SMSD_SQLITE_HELD("smsq") " RETURNING id";
#undef SMSD_SQLITE_OLD
constexpr auto recordIgnored =
    "INSERT INTO smsd_ignored (message, reason, at, stamp) SELECT q.id, ?, ?, smsd_stamp(q.time, q.phone, "
    "q.msg) "
    "FROM json_each(?) j JOIN smsq q ON q.id = j.value";

enum class Read { id, msg, severity, time };
inline constexpr Statement<Read> read =
    "SELECT id, msg, severity, time FROM smsq INDEXED BY smsq_unsent_phone WHERE sent = 'N' AND phone = ? "
    "AND NOT " SMSD_SQLITE_HELD("smsq") " ORDER BY severity NULLS LAST, time, id LIMIT ?";
constexpr auto takeAttemptIds =
    "UPDATE smsd_installation SET last_attempt = last_attempt + ? RETURNING last_attempt";
// Without RETURNING, for which SQLite would make a table each time.
constexpr auto write =
    "INSERT INTO smsd_submission (recipient, supervisor, attempt, dispatcher, attempts, text, encoding, "
    "units, parts, "
    "sent_ids, ignored_ids, severity, first_message, rounds, created, since, stamps) VALUES (?, ?, ?, ?, 1, "
    "?, ?, ?, "
    "?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr auto forgetDueWaits =
    "DELETE FROM smsd_wait WHERE due <= ? AND NOT EXISTS (SELECT 1 FROM smsq INDEXED BY smsq_unsent_phone "
    "WHERE sent = 'N' AND phone = recipient AND NOT " SMSD_SQLITE_HELD("smsq") ")";

enum class NextDue { earliest };
inline constexpr Statement<NextDue> nextDue =
    "SELECT min(due) AS earliest FROM smsd_wait w WHERE due >= ? AND NOT EXISTS (SELECT 1 FROM "
    "smsd_submission s INDEXED "
    "BY "
    "smsd_submission_live WHERE s.recipient = w.recipient AND s.ended IS NULL)";

}  // namespace smsd::queue::sqlite::sql
