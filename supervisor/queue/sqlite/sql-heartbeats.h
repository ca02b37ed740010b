// SPDX-License-Identifier: GPL-3.0-or-later
// SQL of the heartbeats of other programs on a queue in a file. Called by heartbeats.cpp.
#pragma once

#include "supervisor/queue/sqlite/sql-parts.h"
#include "supervisor/queue/statement.h"

namespace smsd::queue::sqlite::sql {

// ?1: name; ?2: now in ms.
constexpr auto knowHeartbeat =
    "INSERT INTO smsd_heartbeat (name, looked) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING";

enum class HeartbeatRows { name, waited, sinceLook, looks, otherWatches, came, sinceBeat, last, missing };
// ?1: name; ?2: now in ms. One supervisor at a time owns the file, so no other one watches.
inline constexpr Statement<HeartbeatRows> heartbeats =
    "SELECT name, waited, ?2 - looked AS since_look, looks, 0 AS other_watches, beats - judged AS came, "
    "?2 - last AS since_beat, last, missing FROM smsd_heartbeat WHERE name = ?1";

enum class BeatRows { name, count, age };
// ?1: name of the heartbeat; ?2: now as text; ?3: a number. Marks 1,000 messages at most. Other programs
// write the time: one in the future counts as now, and no age is beyond 10 years.
inline constexpr Statement<BeatRows> takeBeats =
    "UPDATE smsq SET sent = 'Y', timesent = ?2 WHERE id IN (SELECT id FROM smsq q INDEXED BY smsq_unsent_phone WHERE "
    "sent = 'N' AND phone = ?3 AND NOT " SMSD_SQLITE_HELD("q")
    " AND NOT EXISTS (SELECT 1 FROM smsd_submission INDEXED BY smsd_submission_live WHERE recipient = ?3 AND ended IS "
    "NULL) ORDER BY severity, time, id LIMIT 1000) RETURNING ?1 AS name, 1 AS count, "
    "CAST(min(max(round((julianday(?2) - julianday(time)) * 86400000), 0), 315360000000) AS INTEGER) AS age";

// ?1: name; ?2: waited in ms; ?3: now in ms; ?4: messages that were this heartbeat; ?5: the age of the latest
// in ms, or NULL; ?6: none, missing or back.
constexpr auto writeHeartbeat =
    "UPDATE smsd_heartbeat SET waited = ?2, looked = ?3, looks = looks + 1, beats = beats + ?4, judged = "
    "beats + ?4, "
    "last = coalesce(?3 - ?5, last), missing = CASE ?6 WHEN 'missing' THEN ?3 WHEN 'back' THEN NULL ELSE "
    "missing END "
    "WHERE name = ?1";
// ?1: name; ?2: now in ms.
constexpr auto beat =
    "INSERT INTO smsd_heartbeat (name, looked, beats, last) VALUES (?1, ?2, 1, ?2) "
    "ON CONFLICT (name) DO UPDATE SET beats = beats + 1, last = ?2";

}  // namespace smsd::queue::sqlite::sql
