// SPDX-License-Identifier: GPL-3.0-or-later
// Looks at the queue for calls at the control socket: its depth and its supervisors, by one query at a time,
// shared by all callers.
//
// Owns the query on the queue's thread. It is never cancelled, because cancelling it would mean waiting for
// it. A caller waits for 2 s at most, and gets nothing then.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include <optional>

#include "supervisor/control/picture.h"
#include "supervisor/queue/queue-thread.h"

namespace smsd::control {

class Glance {
 public:
  /// `figures` has the messages that nobody got, of which a look finds out whether they are still ignored.
  Glance(queue::QueueThread& queue, kj::Timer& timer, kj::TaskSet& tasks, const road::Figures& figures);

  /// None: the queue did not answer in time.
  kj::Promise<std::optional<QueueLook>> look();

 private:
  kj::Promise<std::optional<QueueLook>> ask();

  queue::QueueThread& queue_;
  kj::Timer& timer_;
  kj::TaskSet& tasks_;
  const road::Figures& figures_;
  kj::Maybe<kj::ForkedPromise<std::optional<QueueLook>>> asked_;
};

}  // namespace smsd::control
