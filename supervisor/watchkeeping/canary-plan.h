// SPDX-License-Identifier: GPL-3.0-or-later
// The times of the canaries of one dispatcher: when one is due, and when the next one follows.
//
// Pure, except that the local time zone comes from the C library. Called by canary.h, which has the clock and
// the records of earlier canaries. A day of the local calendar has one canary at `at`; with an interval below
// a day, further ones follow in equal steps until the `at` of the next day. Days of 23 and 25 hours keep the
// hour of `at`, so the last interval before it is shorter on the first, and one more canary fits into the
// second. A step of the clock never makes two canaries of one slot.
#pragma once

#include <chrono>
#include <optional>

namespace smsd::watchkeeping {

using WallTime = std::chrono::sys_seconds;

struct CanarySchedule {
  std::chrono::minutes at{0};     // after midnight, local time
  std::chrono::seconds every{0};  // whole days, or a part of a day
  bool operator==(const CanarySchedule&) const = default;
};

/// Returns the last slot that is not after `now`.
WallTime slotBefore(const CanarySchedule& schedule, WallTime now);
/// Returns the first slot after `now`.
WallTime slotAfter(const CanarySchedule& schedule, WallTime now);

struct CanaryPast {
  std::optional<WallTime> ran;  // when the last canary was handed over; none: there was none
  WallTime since;               // when the dispatcher came under watch: it has missed no earlier slot
};

/// Returns the slot of the next canary: it is due if that is not after `now`. Slots that were missed, because
/// smsd did not run or the clock was stepped ahead, are one canary, not several. Slots that the clock passes
/// a second time, because it was stepped back, are passed over, unless it is back by more than an interval:
/// then the time of the last canary was wrong, and the next slot counts.
WallTime nextCanary(const CanarySchedule& schedule, const CanaryPast& past, WallTime now);

/// Returns how many canaries a day has at most.
int canariesADay(const CanarySchedule& schedule);

}  // namespace smsd::watchkeeping
