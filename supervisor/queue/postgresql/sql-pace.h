// SPDX-License-Identifier: GPL-3.0-or-later
// SQL of storm control in PostgreSQL: when an SMS left to a recipient. Called by claim.cpp, settle.cpp,
// nav.cpp and operator.cpp. The rules in sql-parts.h hold for each statement of the road.
#pragma once

#include "supervisor/queue/postgresql/sql-parts.h"
#include "supervisor/queue/statement.h"

namespace smsd::queue::postgresql::sql {

/// True if the window or the hour of `p` is not over: as SMSD_IN_FORCE, with the longest that there is.
#define SMSD_PACED                                                    \
  "p.due > now() AND p.due <= clock_timestamp() + interval '3601 s' " \
  "AND p.noted <= clock_timestamp() + interval '1 s'"

enum class PaceOf { n, wait, hourAge, sent };
/// Those of the recipients $1 that have a row. Times are in ms.
inline constexpr Statement<PaceOf> paceOf =
    "SELECT r.n, CASE WHEN " SMSD_PACED
    " THEN ceil(extract(epoch FROM p.due - now()) * 1000)::bigint ELSE 0 END AS wait, "
    "(extract(epoch FROM now() - p.hour) * 1000)::bigint AS hour_age, p.sent "
    "FROM unnest($1::text[]) WITH ORDINALITY r(phone, n) CROSS JOIN LATERAL "
    "(SELECT p.due, p.noted, p.hour, p.sent FROM smsd.pace p WHERE p.recipient = r.phone LIMIT 1) p";
/// For each recipient of $1: $2 ms until the next SMS, $3 ms since the hour began, $4 SMS in it. $5: the
/// severity up to which messages do not wait; NULL: there is none.
inline constexpr const char* recordPace = R"(
  INSERT INTO smsd.pace (recipient, due, hour, sent, exempt)
  SELECT recipient, now() + wait * interval '1 ms', now() - age * interval '1 ms', sent, $5::integer
  FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::integer[]) u(recipient, wait, age, sent)
  ON CONFLICT (recipient) DO UPDATE SET due = excluded.due, hour = excluded.hour, sent = excluded.sent,
    exempt = excluded.exempt, noted = excluded.noted)";
inline constexpr const char* forgetOldPaces =
    "DELETE FROM smsd.pace WHERE due < now() - interval '1 hour' AND hour < now() - interval '1 hour'";

/// True if the message `q` waits because of `p`.
#define SMSD_WAITS_PACED "NOT coalesce(q.severity <= p.exempt, false)"
inline constexpr const char* anyPaced = "SELECT EXISTS (SELECT FROM smsd.pace p WHERE " SMSD_PACED ")";
/// $1: the most messages to count.
inline constexpr const char* countPaced =
    "SELECT count(*) FROM (SELECT FROM smsd.pace p CROSS JOIN LATERAL ("
    "SELECT FROM smsq q WHERE q.sent = 'N' AND q.phone >= p.recipient AND q.phone <= p.recipient "
    "AND " SMSD_WAITS_PACED " AND NOT " SMSD_HELD
    "ORDER BY q.phone, q.severity, q.time, q.id LIMIT $1) m WHERE " SMSD_PACED " LIMIT $1) q";

enum class PacedUntil { time };
/// $1: a message that is unsent and not held.
inline constexpr Statement<PacedUntil> pacedUntil =
    "SELECT " SMSD_TO_THE_SECOND("p.due") " AS time FROM smsq q JOIN smsd.pace p ON p.recipient = q.phone "
    "WHERE q.id = $1::bigint AND q.sent = 'N' AND " SMSD_PACED " AND " SMSD_WAITS_PACED " AND NOT " SMSD_HELD;

}  // namespace smsd::queue::postgresql::sql
