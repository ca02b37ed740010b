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
//  - If this supervisor has just come, and another one that lives had it a moment ago, the queue's clock
//  tells.
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

/// `smsctl heartbeat` repeats its call for longer than this, and messages stay in the queue. So a shorter
/// pause loses no heartbeat, unless the grace is shorter still.
inline constexpr Milliseconds shortPause = 10s;

/// The longest time between two looks as a supervisor that watches plans them. A message to the number of a
/// heartbeat stays unsent for so long at most, and a supervisor that is killed takes so much of the wait with
/// it if no other one watches.
inline Milliseconds plannedStep(Milliseconds every, Milliseconds grace) {
  return every + grace < 60s ? 1s : 5s;
}

/// A longer time between two looks of one supervisor is a pause: it was stopped, its host slept, or the queue
/// did not answer.
inline Milliseconds longestStep(Milliseconds every, Milliseconds grace) {
  return plannedStep(every, grace) + 2s + std::min(shortPause, grace);
}

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
                          Milliseconds every, Milliseconds grace) {
  const auto pause = [&](Milliseconds length) -> Passed {
    const bool harmless = length >= 0ms && length <= std::min(shortPause, grace);
    return {0ms, !harmless};
  };
  const Milliseconds longest = longestStep(every, grace);
  const bool alone = own && own->looks == record.looks;
  if (alone) return own->ago <= longest ? Passed{own->ago, false} : pause(own->ago);
  if (own && own->ago <= longest) return {std::clamp(record.sinceLook, Milliseconds(0), own->ago), false};
  // The other one may have lost the queue as well: then it did not look when it had planned to.
  if (record.otherWatches && record.sinceLook >= 0ms && record.sinceLook <= plannedStep(every, grace) + 1s)
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
  const Passed passed = passedSince(record, own, every, grace);
  if (record.came > 0) {
    const Milliseconds since = std::clamp(record.sinceBeat.value_or(0ms), Milliseconds(0), passed.watched);
    return {record.missing ? Change::back : Change::none, since};
  }
  const Milliseconds waited = passed.beginsAgain ? 0ms : record.waited + passed.watched;
  const bool due = waited >= every + grace;
  return {due && !record.missing ? Change::missing : Change::none, waited};
}

}  // namespace smsd::watchkeeping
