// SPDX-License-Identifier: GPL-3.0-or-later
// SQL that looks for another program that settles messages: NAV's own smsd. Called by others.cpp and
// settle.cpp. OtherSettlers has the criterion.
#pragma once

#include "supervisor/queue/postgresql/sql-parts.h"
#include "supervisor/queue/statement.h"

namespace smsd::queue::postgresql::sql {

/// The highest id, read from the end of the primary key.
inline constexpr const char* newestMessage = "SELECT coalesce(max(id), 0)::bigint FROM smsq";

enum class OtherSessions { nav, supervisors };
/// NAV names its sessions after their program. Supervisors that began after $1, or that live, may have marked
/// rows that this one knows nothing about.
inline constexpr Statement<OtherSessions> otherSessions = R"(
  SELECT (SELECT count(*) FROM pg_stat_activity
          WHERE datname = current_database() AND application_name IN ('smsd (NAV legacy)', 'smsd.py (NAV legacy)')) AS nav,
         EXISTS (SELECT FROM smsd.supervisor WHERE id > $1::bigint)
         OR EXISTS (SELECT FROM smsd.supervisor WHERE state <> 'cleared' AND id <> $1::bigint) AS supervisors)";

enum class Marked { id, time };
/// Of the 100 newest messages with an id above $1 those that are marked as NAV's smsd marks them. Reads at
/// most 100 rows, from the end of the primary key.
inline constexpr Statement<Marked> newestMarked = R"(
  SELECT id, timesent::text AS time FROM
    (SELECT id, sent, smsid, timesent FROM smsq WHERE id > $1::bigint ORDER BY id DESC LIMIT 100) newest
  WHERE sent::text = 'Y' AND smsid IS NOT NULL AND timesent IS NOT NULL)";
/// Of the messages of a settlement those that were marked before it. Run after the marks of the settlement,
/// whose timesent is the time of the transaction. $1: sorted ids. $2: for each of them its stamp.
inline constexpr Statement<Marked> markedBefore = R"(
  SELECT id, timesent::text AS time FROM smsq q
  WHERE id = ANY($1::bigint[]) AND sent::text = 'Y' AND smsid IS NOT NULL AND timesent <> localtimestamp AND )" SMSD_IS_IN(
    "$2");

}  // namespace smsd::queue::postgresql::sql
