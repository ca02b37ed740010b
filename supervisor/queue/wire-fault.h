// SPDX-License-Identifier: GPL-3.0-or-later
// The kind of a queue's error as the contracts with smsd's clients have it. Called by the rooms that answer
// them. Pure.
#pragma once

#include <proto/control.capnp.h>

#include "supervisor/queue/queue.h"

namespace smsd::queue {

inline proto::QueueFault wireFault(QueueError::Kind kind) {
  using Kind = QueueError::Kind;
  switch (kind) {
    case Kind::unreachable:
    case Kind::busy:
    case Kind::replaced:
      return proto::QueueFault::UNREACHABLE;
    case Kind::denied:
      return proto::QueueFault::DENIED;
    case Kind::notInstalled:
      return proto::QueueFault::NOT_INSTALLED;
    case Kind::invalid:
      return proto::QueueFault::INVALID;
    case Kind::fenced:
    case Kind::failed:
      break;
  }
  return proto::QueueFault::FAILED;
}

}  // namespace smsd::queue
