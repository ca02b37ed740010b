// SPDX-License-Identifier: GPL-3.0-or-later
// Looks for another program that settles messages, in the PostgreSQL backend. See queue.h and
// other-settlers.h.
//
// Owns the knowledge which marks are a supervisor's. Rows that are older than this run are left out, because
// NAV's smsd may have sent them before the move to smsd. While other supervisors use the queue, and
// afterwards, only their sessions and the messages of our own submissions count, because this supervisor does
// not know what they have marked.
#include "supervisor/queue/postgresql/queue.h"
#include "supervisor/queue/postgresql/sql-others.h"

namespace smsd::queue::postgresql {

void OwnMarks::reset(format::MessageId newest) {
  since_ = newest;
  ids_.clear();
}

void OwnMarks::add(format::MessageId id) {
  if (id <= since_) return;
  ids_.insert(id);
  // The look for marks of others reads 100 rows. This is enough to know each of ours among them.
  if (ids_.size() > 1000) ids_.erase(ids_.begin());
}

std::string PostgresqlQueue::otherSettler() {
  std::vector<ForeignMark> marks;
  const auto nav = session_.transact([&](Transaction& tx) {
    const auto sessions = tx.run(sql::otherSessions, me_).front();
    alone_ = alone_ && !sessions.flag(sql::OtherSessions::supervisors);
    if (alone_)
      for (const auto& row : tx.run(sql::newestMarked, ownMarks_.since()))
        if (const auto id = row.integer(sql::Marked::id); !ownMarks_.contains(id))
          marks.push_back({id, row.text(sql::Marked::time)});
    return sessions.integer(sql::OtherSessions::nav);
  });
  others_.sessions(nav);
  others_.marked(marks, OtherSettlers::Clock::now());
  return others_.sign();
}

}  // namespace smsd::queue::postgresql
