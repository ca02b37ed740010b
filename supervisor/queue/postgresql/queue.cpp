// SPDX-License-Identifier: GPL-3.0-or-later
// The PostgreSQL backend: the live recipients in memory, and the bell. See queue.h.
#include "supervisor/queue/postgresql/queue.h"

#include "supervisor/queue/built-in.h"

#include <algorithm>

namespace smsd::queue::postgresql {

void PostgresqlQueue::remember(const std::vector<Submission>& submissions) {
  for (const auto& submission : submissions) {
    LiveSubmission live{
        .submission = submission.id, .own = submission.sms.sent, .severity = submission.severity};
    live.own.insert(live.own.end(), submission.sms.ignored.begin(), submission.sms.ignored.end());
    std::sort(live.own.begin(), live.own.end());
    live_[submission.recipient] = std::move(live);
  }
}

std::optional<Ring> PostgresqlQueue::ringBell() {
  Ring ring;
  if (!session_.ring())
    ring.unannounced =
        "no trigger on smsq notifies smsd of new rows: `smsctl db install --notify` creates it";
  ring.ifUnheard =
      "a test NOTIFY did not reach smsd: connect to PostgreSQL itself, or configure the pooler in between "
      "to keep sessions (PgBouncer: pool_mode = session)";
  return ring;
}

}  // namespace smsd::queue::postgresql

namespace smsd::queue {

std::unique_ptr<Queue> openPostgresql(const std::string& connection) {
  return std::make_unique<postgresql::PostgresqlQueue>(connection);
}

}  // namespace smsd::queue
