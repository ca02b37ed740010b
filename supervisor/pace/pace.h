// SPDX-License-Identifier: GPL-3.0-or-later
// Storm control: when the next SMS may leave to one recipient.
//
// The first SMS leaves at once. After it, a window begins, in which all that comes waits for one SMS at its
// end. Only a severity that is exempt does not wait. In an hour, which begins with its first SMS, a limited
// number of SMS leave; the last one ends with a notice. Called by the queue's claim and settlement. Pure: no
// clock, no I/O; time comes in as an argument. Does not fail.
#pragma once

#include <chrono>
#include <optional>

namespace smsd::pace {

using Duration = std::chrono::milliseconds;

/// The longest wait that pacing causes, by its window or by the limit of an hour.
inline constexpr Duration longest = std::chrono::hours(1);

struct PaceRules {
  Duration window{0};  // at most `longest`; 0: nothing waits, and no hour has a limit
  int exempt = 1;      // this severity and more severe ones do not wait; 0: all wait
  int perHour = 20;    // SMS in an hour, at most; 0: no limit
  bool operator==(const PaceRules&) const = default;

  bool on() const { return window > Duration::zero(); }
  /// Whether an SMS leaves at once whose most severe message has this severity. Such an SMS takes along all
  /// that waits, and counts neither as the first of a window nor in an hour.
  bool exempts(std::optional<int> severity) const { return severity && *severity <= exempt; }
};

/// The queue's record of a recipient.
struct Record {
  Duration wait{0};     // until the window or the hour is over; 0 or less: it is
  Duration hourAge{0};  // since the first SMS of the hour
  int sent = 0;         // SMS in this hour
};

enum class Departure {
  now,
  last,         // now, as the last SMS of the hour
  afterWindow,  // not before the window ends
  nextHour,     // not before the hour ends, because its limit is reached
};
struct Decision {
  Departure departure = Departure::now;
  Duration wait{0};  // afterWindow, nextHour: until then; last: until the next SMS may leave after this one
  bool operator==(const Decision&) const = default;

  bool waits() const { return departure == Departure::afterWindow || departure == Departure::nextHour; }
};

/// Decides for a recipient whose most severe message has this severity. `record` none: nothing is recorded.
Decision decide(const std::optional<Record>& record, std::optional<int> severity, const PaceRules& rules);

/// Returns the record after an SMS left now that is not exempt.
Record after(const std::optional<Record>& record, const PaceRules& rules);

}  // namespace smsd::pace
