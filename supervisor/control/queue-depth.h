// SPDX-License-Identifier: GPL-3.0-or-later
// Looks at the queue for calls at the control socket: its depth and its supervisors, by one query at a time,
// shared by all callers.
//
// Owns the query on the queue's thread, and its last result. SMS wait for that thread, so that the queries
// take a twentieth of its time and a two hundredth of a processor at most, however often clients ask: beyond
// that, the last result serves. It serves for 10 s at most, and an act of an operator makes the next caller
// look again. A query is never cancelled, because cancelling it would mean waiting for it. A caller waits for
// 2 s at most, and gets nothing then.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include <chrono>
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
  /// Returns how long no look may be taken, once what is free is used up, for one that took this time of the
  /// queue's thread and of a processor.
  static kj::Duration paidFor(std::chrono::nanoseconds thread, std::chrono::nanoseconds processor);
  /// The depth is another one now.
  void forget() {
    last_ = std::nullopt;
    ++acts_;
  }

 private:
  kj::Promise<std::optional<QueueLook>> ask();

  queue::QueueThread& queue_;
  kj::Timer& timer_;
  kj::TaskSet& tasks_;
  const road::Figures& figures_;
  kj::Maybe<kj::ForkedPromise<std::optional<QueueLook>>> asked_;
  std::optional<QueueLook> last_;
  kj::TimePoint paidUntil_;  // for the looks so far; far ahead: last_ serves
  unsigned acts_ = 0;        // calls of forget()
};

}  // namespace smsd::control
