// SPDX-License-Identifier: GPL-3.0-or-later
// Decides whether the lease of another supervisor has run out, even if the database's clock is stepped.
//
// Called by the backends on PostgreSQL at each look for dead supervisors. Pure: the caller reads both clocks.
// The database's clock is used once per renewal, and within bounds. A lease that is seen has at most its
// length left. If its supervisor renewed it since our last look, it has at least its length left, minus the
// time since that look. After that our own clock decides. So a clock that is stepped back delays a take-over
// by at most one lease, and a clock that is stepped ahead does not make a living supervisor dead, unless this
// is the first look at it.
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

  /// `leases`: those of the other supervisors, as the database has them now. Returns the supervisors whose
  /// lease has run out.
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
