// How deep the queue is, for whoever asks at the control socket: one question at a time, shared by all.
//
// Owns the question on the queue's thread. It is never given up: to cancel a call there is to wait for it.
// Who asks waits a moment at most, and then is told nothing.
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
