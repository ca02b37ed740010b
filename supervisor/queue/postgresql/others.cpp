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

void MarksOfOthers::begin(format::MessageId newest) {
  since_ = newest;
  own_.clear();
  alone_ = true;
}

void MarksOfOthers::own(format::MessageId id) {
  if (id <= since_) return;
  own_.insert(id);
  // The look for marks of others reads 100 rows. This is enough to know each of ours among them.
  if (own_.size() > 1000) own_.erase(own_.begin());
}

std::string MarksOfOthers::look(Transaction& tx, SupervisorId me) {
  std::vector<ForeignMark> marks;
  const auto rows = tx.run(sql::otherSessions, me);
  const auto sessions = rows.front();
  alone_ = alone_ && !sessions.flag(sql::OtherSessions::supervisors);
  if (alone_)
    for (const auto& row : tx.run(sql::newestMarked, since_))
      if (const auto id = row.integer(sql::Marked::id); !own_.contains(id))
        marks.push_back({id, row.text(sql::Marked::time)});
  settlers_.sessions(sessions.integer(sql::OtherSessions::nav));
  marked(marks);
  return settlers_.sign();
}

std::string PostgresqlQueue::otherSettler() {
  return session_.transact([&](Transaction& tx) { return others_.look(tx, me_); });
}

}  // namespace smsd::queue::postgresql
