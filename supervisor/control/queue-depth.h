// SPDX-License-Identifier: GPL-3.0-or-later
// Reads the depth of the queue for calls at the control socket: one query at a time, shared by all callers.
//
// Owns the query on the queue's thread. It is never cancelled, because cancelling it would mean waiting for
// it. A caller waits for 2 s at most, and gets no depth then.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include <optional>

#include "supervisor/queue/queue-thread.h"

namespace smsd::control {

class Glance {
 public:
  Glance(queue::QueueThread& queue, kj::Timer& timer, kj::TaskSet& tasks);

  /// None: the queue did not answer in time.
  kj::Promise<std::optional<queue::Depth>> depth();

 private:
  kj::Promise<std::optional<queue::Depth>> ask();

  queue::QueueThread& queue_;
  kj::Timer& timer_;
  kj::TaskSet& tasks_;
  kj::Maybe<kj::ForkedPromise<std::optional<queue::Depth>>> asked_;
};

}  // namespace smsd::control
