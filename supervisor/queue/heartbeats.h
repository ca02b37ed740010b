// SPDX-License-Identifier: GPL-3.0-or-later
// The values of the heartbeats that smsd expects, as the queue keeps them for all supervisors.
//
// A heartbeat is a sign of life of another program: a call of Queue::beat(), or a message to a number that is
// nobody's. A look at the heartbeats is one transaction: it reads what is recorded, lets the caller judge
// that, and writes the judgement and the messages that follow from it. Part of the interface of a queue
// (queue.h). Values only. Called by the backends and by the room watchkeeping.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/queue/records.h"

namespace smsd::queue {

/// The record of one heartbeat at a look, before the look changes it.
struct HeartbeatRecord {
  std::string name;
  /// The time in which a supervisor watched since the last heartbeat, or since the wait for it began again.
  Duration waited{0};
  /// Since the last look of any supervisor, by the queue's clock, which may have been stepped.
  Duration sinceLook{0};
  std::int64_t looks = 0;     // grows by one with each look of any supervisor
  bool otherWatches = false;  // another supervisor, which is alive, had the last look
  std::uint64_t came = 0;     // heartbeats since the last look
  /// Since the last of those that came since the last look, by the queue's clock; none: none came.
  std::optional<Duration> sinceBeat = std::nullopt;
  // ms since 1970 by the queue's clock
  std::optional<std::int64_t> last = std::nullopt;  // the time of the last heartbeat; none: none ever came
  std::optional<std::int64_t> missing =
      std::nullopt;  // since when it is known to be missing; none: it is not
};

/// What a look writes about one heartbeat.
struct HeartbeatVerdict {
  enum class Change {
    none,
    missing,  // it is missing from now on
    back,     // it is not missing any more
  } change = Change::none;
  Duration waited{0};
  std::optional<NewMessage> message = std::nullopt;  // inserted in the transaction of the look
};

struct HeartbeatLook {
  struct Watched {
    std::string name;
    std::vector<std::string> numbers;  // unsent messages to these are heartbeats, compared byte by byte
  };
  std::vector<Watched> heartbeats;
  /// Called inside the transaction, once for each heartbeat. Does not use the queue.
  std::function<HeartbeatVerdict(const HeartbeatRecord&)> judge;
};

struct HeartbeatsSeen {
  enum class Offer {
    watched,
    notOffered,  // this queue keeps no heartbeats
    notYet,      // an older version of the schema or of a supervisor is in the way
  } offer = Offer::notOffered;
  struct Seen {
    HeartbeatRecord before;
    HeartbeatVerdict verdict;
  };
  /// Leaves out a heartbeat at which another supervisor looks at the same time.
  std::vector<Seen> seen;
  std::size_t taken = 0;  // messages that were heartbeats
};

}  // namespace smsd::queue
