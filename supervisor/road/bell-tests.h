// SPDX-License-Identifier: GPL-3.0-or-later
// Runs the tests of the bell: whether smsd wakes when another program inserts a message (queue/bell.h).
//
// Owns the bell's state and the time of the next test. Called by the ledger, which runs a test when one is
// due and it has nothing else to do. A test runs beside the other calls to the queue, so that it delays none
// of them. A test that cannot be carried out is a result, never an exception.
#pragma once

#include <kj/async.h>

#include <utility>

#include "common/kj/alarm.h"
#include "supervisor/queue/bell.h"
#include "supervisor/queue/queue-thread.h"

namespace smsd::road {

class BellTests {
 public:
  /// `due` is called when the next test is due, `changed` when the bell is in another state.
  BellTests(queue::QueueThread& queue, kj::Timer& timer, kj::Function<void()> due,
            kj::Function<void()> changed)
      : queue_(queue), timer_(timer), changed_(kj::mv(changed)), due_(timer, kj::mv(due)) {}

  const queue::Bell& bell() const { return bell_; }
  /// How long the bell has been in its present state.
  kj::Duration stateFor() const { return (now() - bell_.stateSince()).count() * kj::MILLISECONDS; }
  bool isDue() const { return now() >= bell_.testAt(); }
  /// The queue was away and is back.
  void queueBack() { bell_.testSoon(); }
  /// Called after each call to the queue, because the connection may be a new one.
  void queueAnswered() {
    const unsigned watches = queue_.watches();
    if (std::exchange(watches_, watches) != watches) bell_.testSoon();
  }
  kj::Promise<void> run() {
    bell_.testing();
    return queue_.testBell().then(
        [this](const queue::Answer<queue::BellTest>& answer) { tested(answer); },
        [this](kj::Exception&& e) {
          tested(queue::QueueError(queue::QueueError::Kind::failed, e.getDescription().cStr()));
        });
  }

 private:
  void tested(const queue::Answer<queue::BellTest>& answer) {
    const auto* test = std::get_if<queue::BellTest>(&answer);
    const auto change = test != nullptr ? bell_.tested(now(), *test)
                                        : bell_.untestable(now(), std::get<queue::QueueError>(answer).what());
    if (bell_.testAt() != queue::Bell::never)
      due_.at(kj::origin<kj::TimePoint>() + bell_.testAt().count() * kj::MILLISECONDS);
    if (change != queue::Bell::Change::none) changed_();
  }
  queue::Bell::Time now() const {
    return queue::Bell::Time((timer_.now() - kj::origin<kj::TimePoint>()) / kj::MILLISECONDS);
  }

  queue::QueueThread& queue_;
  kj::Timer& timer_;
  kj::Function<void()> changed_;
  queue::Bell bell_;
  unsigned watches_ = 0;  // queue_.watches() when the last call was answered
  Alarm due_;
};

}  // namespace smsd::road
