// SPDX-License-Identifier: GPL-3.0-or-later
// Looks at the queue for programs that ask regularly, such as Prometheus.
//
// Owns the last look and a timer. While somebody asks at least every five minutes it looks ahead, so that a
// caller need not wait for the database. The pause between two looks is a hundred times as long as the last
// one took, at least one second and at most ten: looks take a hundredth of the queue's time however often a
// program asks, and the answer is at most a pause and two seconds old.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include <algorithm>
#include <optional>

#include "common/kj/alarm.h"
#include "supervisor/control/queue-depth.h"

namespace smsd::control {

class PacedLook final : private kj::TaskSet::ErrorHandler {
 public:
  PacedLook(Glance& glance, kj::Timer& timer)
      : glance_(glance), timer_(timer), next_(timer, [this]() { lookAhead(); }), tasks_(*this) {}

  /// None: the queue did not answer in time.
  kj::Promise<std::optional<QueueLook>> look() {
    wantedUntil_ = timer_.now() + keepsOn;
    if (timer_.now() < servesUntil_) return last_;
    return lookNow();
  }
  static kj::Duration reusedFor(kj::Duration took) {
    return std::clamp(took * 100, 1 * kj::SECONDS, 10 * kj::SECONDS);
  }

 private:
  static constexpr auto keepsOn = 5 * kj::MINUTES;  // longer than the pause between two scrapes
  static constexpr auto longestLook = 2 * kj::SECONDS;

  kj::Promise<std::optional<QueueLook>> lookNow() {
    const auto began = timer_.now();
    return glance_.look().then([this, began](std::optional<QueueLook> found) {
      const auto pause = reusedFor(timer_.now() - began);
      servesUntil_ = timer_.now() + pause + longestLook;
      next_.at(timer_.now() + pause);
      last_ = found;
      return found;
    });
  }
  void lookAhead() {
    if (timer_.now() < wantedUntil_) tasks_.add(lookNow().ignoreResult());
  }
  void taskFailed(kj::Exception&& exception) override { kj::throwFatalException(kj::mv(exception)); }

  Glance& glance_;
  kj::Timer& timer_;
  kj::TimePoint wantedUntil_ = kj::origin<kj::TimePoint>(), servesUntil_ = kj::origin<kj::TimePoint>();
  std::optional<QueueLook> last_;
  Alarm next_;
  kj::TaskSet tasks_;
};

}  // namespace smsd::control
