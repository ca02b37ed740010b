// SPDX-License-Identifier: GPL-3.0-or-later
// Maps an error of the queue to an exit status (sysexits.h), for the daemon, smsd's options that do one
// thing, and smsctl alike.
//
// An error without a status of its own is 75, try again later: systemd then starts smsd again, which it does
// not do after 69 or 78 (RestartPreventExitStatus= of the unit).
#pragma once

#include <sysexits.h>

#include "supervisor/queue/queue.h"

namespace smsd::startup {

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

}  // namespace smsd::startup
