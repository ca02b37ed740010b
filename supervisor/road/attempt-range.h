// Attempts that are of no submission: their ids lie where a queue's, which count up from one, never come.
//
// Used by whoever hands a worker something that is no row of the queue. The lower bits begin at random in
// each process: a worker that outlived an earlier one remembers the ids of that one.
#pragma once

#include <sys/random.h>

#include "supervisor/queue/queue.h"

namespace smsd {

enum class AttemptRange : queue::AttemptId {
  trials = queue::AttemptId{1} << 63,  // test SMS
};

constexpr bool isIn(AttemptRange range, queue::AttemptId attempt) {
  return (attempt & static_cast<queue::AttemptId>(range)) != 0;
}

/// Where a process begins to count: 30 random bits, and room for 2^32 attempts.
inline queue::AttemptId firstOf(AttemptRange range) {
  std::uint32_t random = 0;
  if (getrandom(&random, sizeof random, 0) != sizeof random) random = 0;
  return static_cast<queue::AttemptId>(range) | (queue::AttemptId{random >> 2} << 32);
}

}  // namespace smsd
