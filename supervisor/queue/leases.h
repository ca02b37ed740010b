// Whether the lease of another supervisor has run out, whatever the database's clock does meanwhile.
//
// Called by the PostgreSQL backend at each look for dead supervisors. Pure: both clocks are the caller's to
// read. The database's clock is believed once for each renewal that is seen, and within bounds: a lease that
// was just seen has at most its length to run, and that of a supervisor that renewed it since our last look
// has as much of its length left as that look is ago. From there on our own clock decides. So a database's
// clock that is stepped back keeps nobody dead for longer than a lease, and one that is stepped ahead
// declares nobody dead who is alive.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <vector>

#include "supervisor/queue/queue.h"

namespace smsd::queue {

class Leases {
 public:
  using Clock = std::chrono::steady_clock;

  struct Lease {
    SupervisorId id = 0;
    std::int64_t until = 0;  // any number that changes with each renewal
    Duration left{0};        // by the database's clock
    Duration length{0};
  };

  /// The leases of the others as the database has them now; those of them that have run out.
  std::vector<SupervisorId> ranOut(const std::vector<Lease>& leases, Clock::time_point now) {
    std::map<SupervisorId, Seen> seen;
    std::vector<SupervisorId> out;
    for (const Lease& lease : leases) {
      const Seen& one = seen.emplace(lease.id, look(lease, now)).first->second;
      if (now >= one.end) out.push_back(lease.id);
    }
    seen_ = std::move(seen);
    return out;
  }

 private:
  struct Seen {
    std::int64_t until = 0;
    Clock::time_point end;
    Clock::time_point at;
  };

  Seen look(const Lease& lease, Clock::time_point now) const {
    const auto before = seen_.find(lease.id);
    if (before != seen_.end() && before->second.until == lease.until)
      return {lease.until, before->second.end, now};
    Duration least{0};
    if (before != seen_.end()) {
      const auto ago = std::chrono::ceil<Duration>(now - before->second.at);
      least = std::max(least, lease.length - ago);
    }
    return {lease.until, now + std::clamp(lease.left, least, std::max(least, lease.length)), now};
  }

  std::map<SupervisorId, Seen> seen_;
};

}  // namespace smsd::queue
