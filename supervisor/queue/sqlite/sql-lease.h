// SPDX-License-Identifier: GPL-3.0-or-later
// SQL of the life cycle of a supervisor on a queue in a file. Called by lease.cpp.
#pragma once

#include "supervisor/queue/statement.h"

namespace smsd::queue::sqlite::sql {

constexpr auto endEarlierRuns = "UPDATE smsd_supervisor SET alive = 0 WHERE alive = 1";
constexpr auto enlist =
    "INSERT INTO smsd_supervisor (name, host, pid, started, lease, lease_until, alive) VALUES (?, ?, ?, ?, "
    "?, ?, 1) "
    "RETURNING id";
constexpr auto renew = "UPDATE smsd_supervisor SET lease_until = ? + lease WHERE id = ? AND alive = 1";
constexpr auto fence = "SELECT 1 FROM smsd_supervisor WHERE id = ? AND alive = 1";
constexpr auto retire = "UPDATE smsd_supervisor SET alive = 0 WHERE id = ?";

enum class Orphans {
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
  since,
  stamps,
  notUnderstood
};
inline constexpr Statement<Orphans> orphans =
    "SELECT id, attempt, dispatcher, recipient, text, encoding, units, parts, sent_ids, ignored_ids, "
    "severity, "
    "first_message, rounds, since, stamps, (SELECT count(*) FROM smsd_attempt a WHERE a.submission = s.id "
    "AND "
    "a.outcome = 'not-understood') AS not_understood FROM smsd_submission s INDEXED BY smsd_submission_live "
    "WHERE ended IS "
    "NULL AND "
    "supervisor <> ? ORDER BY "
    "severity NULLS LAST, first_message, id";
constexpr auto adopt = "UPDATE smsd_submission SET supervisor = ? WHERE id = ?";

}  // namespace smsd::queue::sqlite::sql
