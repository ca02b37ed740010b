// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/queue/clock-watch.h"

#include <ctime>

namespace smsd::queue {

Duration sinceBoot() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::milliseconds(now.tv_nsec / 1'000'000);
}

}  // namespace smsd::queue
