// SPDX-License-Identifier: GPL-3.0-or-later
// SQL of attempts and settlements on a queue in a file. Called by settle.cpp.
#pragma once

#include "supervisor/queue/sqlite/sql-parts.h"
#include "supervisor/queue/statement.h"

namespace smsd::queue::sqlite::sql {

enum class Standing { supervisor };
inline constexpr Statement<Standing> standing = "SELECT supervisor FROM smsd_submission WHERE id = ?";
constexpr auto nextAttempt =
    "UPDATE smsd_submission SET attempt = ?, dispatcher = ?, attempts = attempts + 1, rounds = ?, since = ? "
    "WHERE id = ?";
// Records the attempt in force, and only if the submission is live and belongs to the supervisor.
constexpr auto recordAttempt =
    "INSERT INTO smsd_attempt (id, submission, dispatcher, ended, outcome, reason) SELECT attempt, id, "
    "dispatcher, ?, ?, ? FROM smsd_submission WHERE id = ? AND supervisor = ? AND ended IS NULL";
constexpr auto markSent =
    "UPDATE smsq SET sent = 'Y', smsid = ?, timesent = ? WHERE id = ? AND sent <> 'Y' AND " SMSD_SQLITE_IS(
        "smsq", "?");
constexpr auto markIgnored =
    "UPDATE smsq SET sent = 'I', smsid = ?, timesent = ? WHERE id = ? AND sent = 'N' AND " SMSD_SQLITE_IS(
        "smsq", "?");
// A row that was marked, cancelled or released meanwhile still has its stamp, so it is not another one.
constexpr auto isAnother = "SELECT 1 FROM smsq WHERE id = ? AND NOT " SMSD_SQLITE_IS("smsq", "?");
// Rows that were marked meanwhile are not held. An existing entry with the same id belongs to a former row,
// so it is replaced.
constexpr auto hold =
    "INSERT OR REPLACE INTO smsd_held (message, submission, stamp) SELECT id, ?, smsd_stamp(time, phone, "
    "msg) FROM smsq "
    "WHERE id = ? AND sent = 'N' AND " SMSD_SQLITE_IS("smsq", "?");
// Ends a submission only if it is live and belongs to the supervisor.
constexpr auto end =
    "UPDATE smsd_submission SET ended = ?, fate = ?, outcome = ?, reason = ?, reference = ? WHERE id = ? AND "
    "supervisor = ? AND ended IS NULL";
constexpr auto wait =
    "INSERT INTO smsd_wait (recipient, rounds, due, reason, severity, since, noted) VALUES (?1, ?2, ?3, ?4, "
    "?5, ?6, ?7) "
    "ON CONFLICT (recipient) DO UPDATE SET rounds = ?2, due = ?3, reason = ?4, severity = ?5, since = ?6, "
    "noted = ?7";
constexpr auto forgetWait = "DELETE FROM smsd_wait WHERE recipient = ?";
constexpr auto hasUnsent =
    "SELECT 1 FROM smsq INDEXED BY smsq_unsent_phone WHERE sent = 'N' AND phone = ? "
    "AND NOT " SMSD_SQLITE_HELD("smsq") " LIMIT 1";
constexpr auto hasMoreSevere =
    "SELECT 1 FROM smsq INDEXED BY smsq_unsent_phone WHERE sent = 'N' AND phone = ?1 AND severity IS NOT "
    "NULL "
    "AND (?2 IS NULL OR severity < ?2) AND NOT " SMSD_SQLITE_HELD("smsq") " LIMIT 1";

}  // namespace smsd::queue::sqlite::sql
