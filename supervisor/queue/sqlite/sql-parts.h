// SPDX-License-Identifier: GPL-3.0-or-later
// Parts that several statements of the SQLite backend share, as macros, because only literals join without a
// cost. Included by the sql-*.h of this backend only.
//
// Unsent rows are read by two partial indexes, which each statement names (INDEXED BY), so that a claim costs
// the same whatever ANALYZE found, and however many rows were sent before.
#pragma once

// True if the row still has this stamp, because ids are reused. smsd_stamp is a function of ours
// (stamp.h). A NULL stamp was never recorded: then the id alone decides.
#define SMSD_SQLITE_IS(row, stamp) \
  "coalesce(" stamp " = smsd_stamp(" row ".time, " row ".phone, " row ".msg), 1)"
#define SMSD_SQLITE_HELD(row) \
  "EXISTS (SELECT 1 FROM smsd_held h WHERE h.message = " row ".id AND " SMSD_SQLITE_IS(row, "h.stamp") ")"

// True if the wait is in force: noted in the past, and due in the future but not later than the longest
// possible wait. A stepped clock may violate either: then the wait is over. The extra second tolerates a
// clock that is set back a little. `now` and `longest` in ms.
#define SMSD_SQLITE_IN_FORCE(row, now, longest) \
  row ".due > " now " AND " row ".due <= " now " + " longest " + 1000 AND " row ".noted <= " now " + 1000"

// The columns of a message that is shown to an operator. No SMS holds more of a text.
#define SMSD_SQLITE_STORED                                                                              \
  "SELECT q.id, q.phone, a.name, substr(q.msg, 1, 20000) AS msg, q.severity, substr(q.time, 1, 16) AS " \
  "time, q.sent, EXISTS (SELECT "                                                                       \
  "1 "                                                                                                  \
  "FROM smsd_submission s INDEXED BY smsd_submission_live WHERE s.recipient = q.phone AND s.ended IS "  \
  "NULL) AND NOT " SMSD_SQLITE_HELD("q") " AS under_way, q.sent = 'N' AND " SMSD_SQLITE_HELD("q") " AS held"
