// SPDX-License-Identifier: GPL-3.0-or-later
// Attempt ids for SMS that are not in the queue, such as test SMS. The top bit is set, so that they cannot
// collide with the queue's ids, which count up from one.
//
// The lower bits start at a random value in each process, because a worker that outlived an earlier
// supervisor still remembers that supervisor's ids.
#pragma once

#include <sys/random.h>

#include "supervisor/queue/queue.h"

namespace smsd::delivery {

enum class AttemptRange : queue::AttemptId {
  testSms = queue::AttemptId{1} << 63,
};

constexpr bool isIn(AttemptRange range, queue::AttemptId attempt) {
  return (attempt & static_cast<queue::AttemptId>(range)) != 0;
}

/// Returns the first id of this process: 30 random bits, followed by room for 2^32 attempts.
inline queue::AttemptId firstOf(AttemptRange range) {
  std::uint32_t random = 0;
  if (getrandom(&random, sizeof random, 0) != sizeof random) random = 0;
  return static_cast<queue::AttemptId>(range) | (queue::AttemptId{random >> 2} << 32);
}

}  // namespace smsd::delivery
