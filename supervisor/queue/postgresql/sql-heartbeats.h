// SPDX-License-Identifier: GPL-3.0-or-later
// SQL of the heartbeats of other programs in PostgreSQL. Called by heartbeats.cpp. The table exists from
// version 6 of the schema on.
#pragma once

#include "supervisor/queue/postgresql/sql-parts.h"
#include "supervisor/queue/statement.h"

namespace smsd::queue::postgresql::sql {

/// 10 years in ms.
#define SMSD_OLDEST_BEAT "315360000000"

inline constexpr const char* knowHeartbeats =
    "INSERT INTO smsd.heartbeat (name) SELECT unnest($1::text[]) ON CONFLICT (name) DO NOTHING";

enum class HeartbeatRows { name, waited, sinceLook, looks, otherWatches, came, sinceBeat, last, missing };
/// $1: names; $2: this supervisor. A heartbeat at which another supervisor looks now is left out, so that one
/// that freezes in its transaction holds up no other one. Times are in ms.
inline constexpr Statement<HeartbeatRows> heartbeats = R"(
  SELECT name, waited, (extract(epoch FROM clock_timestamp() - looked) * 1000)::bigint AS since_look, looks,
    EXISTS (SELECT FROM smsd.supervisor s WHERE s.id = h.looker AND s.id <> $2::bigint AND s.state = 'alive') AS other_watches,
    beats - judged AS came, (extract(epoch FROM clock_timestamp() - last) * 1000)::bigint AS since_beat,
    (extract(epoch FROM last) * 1000)::bigint AS last, (extract(epoch FROM missing) * 1000)::bigint AS missing
  FROM smsd.heartbeat h WHERE name = ANY($1::text[]) ORDER BY name FOR UPDATE OF h SKIP LOCKED)";

enum class BeatRows { name, count, age };
/// Marks messages to the numbers $2 as sent, at most 1,000 for each, and returns how many there were for each
/// name of $1, and the age of the latest in ms. smsid stays NULL, because no SMS left. A message that another
/// session has locked waits for a later look, so that it holds up neither the look nor the SMS behind it.
/// Other programs write the time: one in the future counts as now, and no age is beyond what a timestamp can
/// hold.
inline constexpr Statement<BeatRows> takeBeats = R"(
  WITH came AS (
    SELECT r.name, m.id FROM unnest($1::text[], $2::text[]) r(name, phone)
    CROSS JOIN LATERAL (SELECT q.id FROM smsq q WHERE q.sent = 'N' AND q.phone >= r.phone AND q.phone <= r.phone AND NOT )" SMSD_HELD
                                                 R"(ORDER BY q.phone, q.severity, q.time, q.id LIMIT 1000
                        FOR UPDATE OF q SKIP LOCKED) m
    WHERE NOT EXISTS (SELECT FROM smsd.live l WHERE l.recipient = r.phone)),
  marked AS (
    UPDATE smsq q SET sent = 'Y', timesent = now() WHERE id = ANY(ARRAY(SELECT id FROM came)) AND sent::text = 'N'
    RETURNING id, CASE WHEN isfinite(time) THEN
      least(greatest(extract(epoch FROM localtimestamp - time) * 1000, 0), )" SMSD_OLDEST_BEAT
                                                 R"()::bigint ELSE 0 END AS age)
  SELECT c.name, count(*) AS count, min(m.age) AS age FROM marked m JOIN came c ON c.id = m.id GROUP BY c.name)";

/// $2: waited in ms; $3: this supervisor; $4: messages that were this heartbeat; $5: the age of the latest in
/// ms, or NULL; $6: none, missing or back.
inline constexpr const char* writeHeartbeat = R"(
  UPDATE smsd.heartbeat SET waited = $2, looked = clock_timestamp(), looks = looks + 1, looker = $3, beats = beats + $4,
    judged = beats + $4, last = coalesce(clock_timestamp() - $5::bigint * interval '1 ms', last),
    missing = CASE $6 WHEN 'missing' THEN clock_timestamp() WHEN 'back' THEN NULL ELSE missing END
  WHERE name = $1)";
inline constexpr const char* beat = R"(
  INSERT INTO smsd.heartbeat (name, beats, last) VALUES ($1, 1, clock_timestamp())
  ON CONFLICT (name) DO UPDATE SET beats = smsd.heartbeat.beats + 1, last = clock_timestamp())";
/// Whether this role may insert an alert.
inline constexpr const char* mayAlert = R"(
  SELECT bool_and(has_column_privilege('smsq', name, 'INSERT'))
    AND coalesce(has_sequence_privilege(pg_get_serial_sequence('smsq', 'id'), 'USAGE'), true)
  FROM unnest(ARRAY['accountid', 'time', 'phone', 'msg', 'severity']) name)";
/// For supervisors on other connections, as the trigger on smsq does it.
inline constexpr const char* announce = "SELECT pg_notify('smsd_queue', '')";

}  // namespace smsd::queue::postgresql::sql
