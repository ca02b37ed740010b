// Maps an error of the queue to an exit status (sysexits.h), for smsd's errands and smsctl alike.
#pragma once

#include <sysexits.h>

#include "supervisor/queue/queue.h"

namespace smsd {

inline int exitStatus(const queue::QueueError& error) {
  switch (error.kind()) {
    case queue::QueueError::Kind::denied:
      return EX_NOPERM;
    case queue::QueueError::Kind::notInstalled:
      return EX_CONFIG;
    case queue::QueueError::Kind::invalid:
      return EX_DATAERR;
    case queue::QueueError::Kind::unreachable:
    case queue::QueueError::Kind::fenced:
    case queue::QueueError::Kind::busy:
    case queue::QueueError::Kind::replaced:
    case queue::QueueError::Kind::failed:
      break;
  }
  return EX_TEMPFAIL;
}

}  // namespace smsd
