// SPDX-License-Identifier: GPL-3.0-or-later
// Judges whether a heartbeat of another program is missing, or back.
//
// Pure: the record of the queue and this supervisor's own clock are arguments. Called inside the transaction
// of a look, by heartbeats.cpp.
//
// The wait for a heartbeat counts only the time in which a supervisor watched, because nobody was there to
// receive it otherwise. How long that was since the last look is known in three ways, the best first:
//  - If this supervisor had the last look, its own clock tells, which no step changes.
//  - If another one had it, the queue's clock tells, and this supervisor's own clock bounds it: the last look
//    cannot be longer ago than the last one of its own. So a step of the queue's clock ahead adds nothing.
//  - If this supervisor has just come, and another one that lives had it, the queue's clock tells.
// Otherwise nobody watched. Such a pause does not count. If it was longer than a sender tries, a heartbeat
// may have been lost in it, and the sender's next one may be a whole interval away: then the wait begins
// again.
#pragma once

#include <algorithm>
#include <optional>
#include <string>

#include "supervisor/config/config.h"
#include "supervisor/queue/heartbeats.h"

namespace smsd::watchkeeping {

/// The longest time between two looks of a supervisor that watches. A longer one is a pause: the supervisor
/// was stopped, its host slept, or the queue did not answer.
inline constexpr Milliseconds longestStep = 15s;
/// `smsctl heartbeat` repeats its call for longer than this, and messages stay in the queue. So a shorter
/// pause loses no heartbeat, unless the grace is shorter still.
inline constexpr Milliseconds shortPause = 10s;

/// The last look of this supervisor at a heartbeat.
struct OwnLook {
  std::int64_t looks = 0;  // HeartbeatRecord::looks after it
  Milliseconds ago{0};     // by a clock that is never stepped
};

/// The time since the last look.
struct Passed {
  Milliseconds watched{0};
  bool beginsAgain = false;  // heartbeats may have been lost
};

inline Passed passedSince(const queue::HeartbeatRecord& record, const std::optional<OwnLook>& own,
                          Milliseconds grace) {
  const auto pause = [&](Milliseconds length) -> Passed {
    const bool harmless = length >= 0ms && length <= std::min(shortPause, grace);
    return {0ms, !harmless};
  };
  const bool alone = own && own->looks == record.looks;
  if (alone) return own->ago <= longestStep ? Passed{own->ago, false} : pause(own->ago);
  if (own && own->ago <= longestStep) return {std::clamp(record.sinceLook, Milliseconds(0), own->ago), false};
  if (record.otherWatches && record.sinceLook >= 0ms && record.sinceLook <= longestStep)
    return {record.sinceLook, false};
  return pause(record.sinceLook);
}

struct HeartbeatJudgement {
  queue::HeartbeatVerdict::Change change = queue::HeartbeatVerdict::Change::none;
  Milliseconds waited{0};
};

inline HeartbeatJudgement judge(const queue::HeartbeatRecord& record, const std::optional<OwnLook>& own,
                                Milliseconds every, Milliseconds grace) {
  using Change = queue::HeartbeatVerdict::Change;
  const Passed passed = passedSince(record, own, grace);
  if (record.came > 0) {
    const Milliseconds since = std::clamp(record.sinceBeat.value_or(0ms), Milliseconds(0), passed.watched);
    return {record.missing ? Change::back : Change::none, since};
  }
  const Milliseconds waited = passed.beginsAgain ? 0ms : record.waited + passed.watched;
  const bool due = waited >= every + grace;
  return {due && !record.missing ? Change::missing : Change::none, waited};
}

}  // namespace smsd::watchkeeping
