// SPDX-License-Identifier: GPL-3.0-or-later
// SQL of the life cycle of a supervisor in PostgreSQL: leases, the fence and the take-over. Called by
// lease.cpp.
#pragma once

#include "supervisor/queue/statement.h"

namespace smsd::queue::postgresql::sql {

// The columns that version 5 added are read through to_jsonb, because version 4 does not have them.
#define SMSD_SCHEMA_VERSION "coalesce((to_jsonb(i) ->> 'schema_version')::integer, i.version)"
#define SMSD_KNOWS(supervisor) "coalesce((to_jsonb(" supervisor ") ->> 'knows')::integer, 4)"

enum class Installed { version, oldest, keyPrefix };
inline constexpr Statement<Installed> installed =
    "SELECT " SMSD_SCHEMA_VERSION
    " AS version, coalesce((to_jsonb(i) ->> 'oldest_version')::integer, i.version) AS oldest, "
    "left(replace(queue::text, '-', ''), 12) AS key_prefix FROM smsd.installation i";

enum class MissingPrivileges { names };
/// Fails if a table is missing. Returns the names of the missing privileges.
inline constexpr Statement<MissingPrivileges> missingPrivileges =
    R"(
  SELECT string_agg(format('%s of smsq.%s', CASE WHEN readable THEN 'UPDATE' ELSE 'SELECT' END, attname), ', ' ORDER BY attnum) AS names
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
/// For version 5 and newer: also records what this supervisor knows.
inline constexpr const char* introduce = "UPDATE smsd.supervisor SET knows = $2, program = $3 WHERE id = $1";
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

enum class Fence { id, now };
/// The fence: locks the supervisor's row until the end of the transaction, so that it cannot be declared dead
/// while it settles. Returns the time as well.
inline constexpr Statement<Fence> fence =
    "SELECT id, " SMSD_CLOCK " AS now FROM smsd.supervisor WHERE id = $1 AND state = 'alive' FOR SHARE";

enum class Leases { id, dead, until, left, length, now, knows, schema };
/// Supervisors that are alive, or dead and not yet taken over. Leases decides whose lease has run out. The
/// table smsd.installation comes first, as in every transaction that uses both (install.cpp).
#define SMSD_LEASES                                                                                    \
  "SELECT id, state = 'dead' AS dead, (extract(epoch FROM lease_until) * 1000000)::bigint AS until, "  \
  "(extract(epoch FROM lease_until - clock_timestamp()) * 1000)::bigint AS left, (extract(epoch FROM " \
  "lease) * "                                                                                          \
  "1000)::bigint AS length, " SMSD_CLOCK                                                               \
  " AS now, " SMSD_KNOWS("s") " AS knows, " SMSD_SCHEMA_VERSION                                        \
                              " AS schema "                                                            \
                              "FROM smsd.installation i, smsd.supervisor s WHERE state <> 'cleared' "
inline constexpr Statement<Leases> leases = SMSD_LEASES;
/// Locks all of them in one order, so that two concurrent take-overs wait for each other and cannot deadlock.
inline constexpr Statement<Leases> lockedLeases = SMSD_LEASES "ORDER BY id FOR UPDATE OF s";
#undef SMSD_LEASES
#undef SMSD_CLOCK

enum class LiveSupervisors { name, host, pid, program, knows };
/// Those whose lease has not run out. $1: what a supervisor of an installation without the column `knows`
/// knows.
inline constexpr Statement<LiveSupervisors> liveSupervisors =
    "SELECT name, host, pid, to_jsonb(s) ->> 'program' AS program, "
    "coalesce((to_jsonb(s) ->> 'knows')::integer, $1) AS knows FROM smsd.supervisor s "
    "WHERE state = 'alive' AND lease_until > clock_timestamp() ORDER BY id";
#undef SMSD_SCHEMA_VERSION
#undef SMSD_KNOWS

enum class Cleared { id };
inline constexpr Statement<Cleared> clear =
    "UPDATE smsd.supervisor SET state = 'cleared' WHERE id = ANY($1::bigint[]) AND state <> 'cleared' "
    "RETURNING id";

enum class Adopted {
  id,
  attempt,
  dispatcher,
  recipient,
  text,
  encoding,
  units,
  parts,
  sentIds,
  ignoredIds,
  severity,
  firstMessage,
  rounds,
  failing,
  stamps,
  notUnderstood
};
#define SMSD_SUBMISSION_COLUMNS                                                                              \
  "s.id, s.attempt, s.dispatcher, s.recipient, s.text, s.encoding, s.units, s.parts, s.sent_ids, "           \
  "s.ignored_ids, "                                                                                          \
  "s.severity, s.first_id AS first_message, s.rounds, (extract(epoch FROM now() - s.since) * 1000)::bigint " \
  "AS failing, s.stamps, "                                                                                   \
  "(SELECT count(*) FROM smsd.attempt a WHERE a.submission = s.id AND a.outcome = 'not-understood') AS "     \
  "not_understood"
inline constexpr Statement<Adopted> adopt =
    "WITH taken AS (UPDATE smsd.live SET supervisor = $1 WHERE supervisor = ANY($2::bigint[]) RETURNING "
    "submission), "
    "adopted AS (UPDATE smsd.submission SET supervisor = $1 WHERE id = ANY(ARRAY(SELECT submission FROM "
    "taken)) "
    "RETURNING *) SELECT " SMSD_SUBMISSION_COLUMNS " FROM adopted s ORDER BY s.severity, s.first_id";
inline constexpr Statement<Adopted> liveOf =
    "SELECT " SMSD_SUBMISSION_COLUMNS
    " FROM smsd.submission s WHERE s.id = ANY(ARRAY(SELECT submission FROM smsd.live WHERE supervisor = $1)) "
    "ORDER BY s.severity, s.first_id";
#undef SMSD_SUBMISSION_COLUMNS

}  // namespace smsd::queue::postgresql::sql
