// SPDX-License-Identifier: GPL-3.0-or-later
// The condition of an installation in PostgreSQL, for `smsctl doctor`: privileges, indexes, trigger, time
// zone, clock, and NAV's smsd. Called by installation(), in its transaction. Needs no privilege of its own.
#include "supervisor/queue/postgresql/queue.h"
#include "supervisor/queue/postgresql/sql-condition.h"
#include "supervisor/queue/postgresql/sql-lease.h"
#include "supervisor/queue/postgresql/sql-session.h"

namespace smsd::queue::postgresql {

QueueCondition conditionOf(Transaction& tx, const Session& session) {
  using Column = sql::Conditions;
  using std::chrono::milliseconds;
  const auto before = std::chrono::system_clock::now();
  const auto row = tx.once(sql::condition).front();
  const auto between = before + (std::chrono::system_clock::now() - before) / 2;
  const auto here = std::chrono::duration_cast<milliseconds>(between.time_since_epoch());
  QueueCondition found{.missingPrivileges = row.text(Column::privileges),
                       .indexed = session.indexed(),
                       .announcesInserts = tx.flagOnce(sql::announcesInserts),
                       .timeZone = row.text(Column::zone),
                       .ahead = milliseconds(row.integer(Column::now)) - here};
  const auto columns = tx.once(sql::missingPrivileges).front();
  if (!columns.isNull(sql::MissingPrivileges::names))
    found.missingPrivileges = columns.text(sql::MissingPrivileges::names) +
                              (found.missingPrivileges.empty() ? "" : ", " + found.missingPrivileges);
  OtherSettlers settlers;
  settlers.sessions(row.integer(Column::nav));
  found.otherSettler = settlers.sign();
  return found;
}

}  // namespace smsd::queue::postgresql
