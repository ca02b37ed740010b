// SPDX-License-Identifier: GPL-3.0-or-later
// Parts that several statements of the PostgreSQL backend share, as macros, because only literals join
// without a cost. Included by the sql-*.h of this backend only.
//
// A rule for the statements of the road: no statement may have a plan that reads more rows than it needs,
// whatever the statistics are. Therefore:
//  - Rows of smsq are found by `id = ANY`, in the order of a partial index, or by phone in a LATERAL. They
//    are never found by a join, because a planner that believes the table empty could reverse it.
//  - A value for each row is found in sorted arrays by width_bucket, a binary search, not by a join.
//  - An UPDATE that must not use a partial index writes sent::text, from which the planner cannot prove the
//    index's predicate.
//  - If two partial indexes could serve and only one stays cheap, the statement asks for an order that only
//    this index has, and sorting is off.
#pragma once

/// A hash of the row's content, because ids are reused. PostgreSQL uses these functions for hash partitions,
/// so they have to return the same in every version of the server.
#define SMSD_STAMP                                                                        \
  "hashtextextended(coalesce(q.msg::text, ''), hashtextextended(q.phone::text, coalesce(" \
  "timestamp_hash_extended(q.time::timestamp, 0), 0)))"
/// True if the row still has this stamp. A NULL stamp was never recorded: then the id alone decides.
#define SMSD_IS(stamp) "coalesce(" stamp " = " SMSD_STAMP ", true)"
/// SMSD_IS for statements with an array of ids ($1) and a parallel array of stamps.
#define SMSD_IS_IN(stamps) SMSD_IS("(" stamps "::bigint[])[width_bucket(q.id::bigint, $1::bigint[])]")

/// True if the message is held. A scalar subquery, because a planner may make a join of an EXISTS and reverse
/// it.
#define SMSD_HELD \
  "(SELECT h.submission FROM smsd.held h WHERE h.message = q.id AND " SMSD_IS("h.stamp") ") IS NOT NULL "

/// True if the wait is in force: noted in the past, and due in the future but not later than the longest
/// possible wait. A stepped clock may violate either: then the wait is over. clock_timestamp() is needed
/// because the wait may have been noted after our transaction began. The extra second tolerates waits that
/// are noted at the same time.
#define SMSD_IN_FORCE(longest)                               \
  "w.due > now() AND w.due <= clock_timestamp() + (" longest \
  "::bigint + 1000) * interval '1 ms' "                      \
  "AND w.noted <= clock_timestamp() + interval '1 s'"

/// The columns of a message that is shown to an operator. No SMS holds more of a text.
#define SMSD_STORED_COLUMNS                                                                           \
  "SELECT q.id, q.phone, a.name, left(q.msg, 20000) AS msg, q.severity, to_char(q.time, 'YYYY-MM-DD " \
  "HH24:MI') AS time, "                                                                               \
  "q.sent = 'N' AND EXISTS (SELECT FROM smsd.live l WHERE l.recipient = q.phone) "                    \
  "AND NOT " SMSD_HELD "AS under_way, q.sent = 'N' AND " SMSD_HELD "AS held "

#define SMSD_TO_THE_SECOND(time) "to_char(" time ", 'YYYY-MM-DD HH24:MI:SS')"
