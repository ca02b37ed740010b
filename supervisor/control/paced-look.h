// SPDX-License-Identifier: GPL-3.0-or-later
// Looks at the queue for programs that ask regularly. A look is reused for a hundred times as long as it
// took, for one second at least and ten at most, so that looks take a hundredth of the queue's time however
// often a program asks.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include <algorithm>
#include <optional>

#include "supervisor/control/queue-depth.h"

namespace smsd::control {

class PacedLook {
 public:
  PacedLook(Glance& glance, kj::Timer& timer) : glance_(glance), timer_(timer) {}

  /// None: the queue did not answer in time.
  kj::Promise<std::optional<QueueLook>> look() {
    const auto began = timer_.now();
    if (began < next_) return last_;
    return glance_.look().then([this, began](std::optional<QueueLook> found) {
      next_ = timer_.now() + reusedFor(timer_.now() - began);
      last_ = found;
      return found;
    });
  }
  static kj::Duration reusedFor(kj::Duration took) {
    return std::clamp(took * 100, 1 * kj::SECONDS, 10 * kj::SECONDS);
  }

 private:
  Glance& glance_;
  kj::Timer& timer_;
  kj::TimePoint next_ = kj::origin<kj::TimePoint>();
  std::optional<QueueLook> last_;
};

}  // namespace smsd::control
