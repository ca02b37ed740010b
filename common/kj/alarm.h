// SPDX-License-Identifier: GPL-3.0-or-later
// A one-shot timer that can be set again at any time, also while it rings.
//
// A KJ promise must not be destroyed by its own continuation. Therefore the ring runs in a turn of its own,
// after the wait has ended. Used by the road, the ledger and the keeper for everything that happens later.
#pragma once

#include <kj/async.h>
#include <kj/function.h>
#include <kj/timer.h>

#include <chrono>

namespace smsd {

class Alarm final : private kj::TaskSet::ErrorHandler {
 public:
  Alarm(kj::Timer& timer, kj::Function<void()> ring) : timer_(timer), ring_(kj::mv(ring)), rings_(*this) {}

  /// Replaces the time that was set before.
  void at(kj::TimePoint when) {
    set_ = true;
    when_ = when;
    wait_ = timer_.atTime(when)
                .then([this]() {
                  rings_.add(kj::evalLater([this]() {
                    if (!set_ || timer_.now() < when_) return;  // set again or cancelled in between
                    set_ = false;
                    ring_();
                  }));
                })
                .eagerlyEvaluate(nullptr);
  }
  void in(std::chrono::milliseconds delay) {
    at(timer_.now() + static_cast<std::int64_t>(delay.count()) * kj::MILLISECONDS);
  }
  /// Like at(), unless the alarm is already set to an earlier time.
  void notLaterThan(kj::TimePoint when) {
    if (!set_ || when < when_) at(when);
  }
  void cancel() {
    set_ = false;
    wait_ = nullptr;
  }
  bool isSet() const { return set_; }

 private:
  void taskFailed(kj::Exception&& exception) override { kj::throwFatalException(kj::mv(exception)); }

  kj::Timer& timer_;
  kj::Function<void()> ring_;
  bool set_ = false;
  kj::TimePoint when_ = kj::origin<kj::TimePoint>();
  kj::Promise<void> wait_ = nullptr;
  kj::TaskSet rings_;
};

}  // namespace smsd
