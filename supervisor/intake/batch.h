// SPDX-License-Identifier: GPL-3.0-or-later
// Puts the alerts of all callers into the queue, those that come meanwhile together in the next transaction.
//
// A commit costs about a millisecond, however many alerts it has. So one transaction is in progress at a
// time; the calls that come meanwhile wait and share the next one. An idle queue gets a call at once. Owns
// the calls that wait, with a bound on their memory. Called by the doors. A transaction that has begun is
// never cancelled; it outlives the connection that made it. A call without an answer after the patience is
// answered as `unreachable`, and if it has not begun, it never will.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "supervisor/queue/queue-thread.h"

namespace smsd::intake {

using Alerts = std::vector<queue::NewAlert>;
using Answer = queue::Answer<queue::Submitted>;

class Batch final : private kj::TaskSet::ErrorHandler {
 public:
  /// `awayBecause` returns why the daemon itself cannot use its queue now; empty: it can. `news` is called
  /// after alerts were put into the queue.
  Batch(queue::QueueThread& queue, kj::Timer& timer, std::function<std::string()> awayBecause,
        std::function<void()> news);

  kj::Promise<Answer> submit(Alerts alerts, queue::Duration dedupe);

  /// Whether the queue still works on a transaction.
  bool busy() const { return running_; }

 private:
  struct Call {
    Alerts alerts;
    std::size_t bytes = 0;
    kj::Own<kj::PromiseFulfiller<Answer>> answer;
    bool alone = false;  // the database refused a value of it or of others beside it
  };
  using Calls = std::deque<std::shared_ptr<Call>>;

  void begin();
  Calls takeNext();
  void end(Calls calls, Answer answer);
  void taskFailed(kj::Exception&& exception) override;

  queue::QueueThread& queue_;
  kj::Timer& timer_;
  std::function<std::string()> awayBecause_;
  std::function<void()> news_;
  queue::Duration dedupe_{0};
  Calls waiting_;
  std::size_t bytes_ = 0;  // of the texts that wait
  bool running_ = false;
  kj::TaskSet tasks_;
};

}  // namespace smsd::intake
