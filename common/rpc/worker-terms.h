// SPDX-License-Identifier: GPL-3.0-or-later
// The bounds of the connection to a worker: how much the supervisor reads, keeps and queues for it.
//
// Documented in proto/dispatcher.capnp for authors of workers, and in smsd(8) for operators. Called by the
// keeper and by clients/dispatcher-check.
#pragma once

#include <proto/dispatcher.capnp.h>

#include <memory>

#include "common/rpc/channel.h"

namespace smsd::rpc {

// An SMS that is announced and settled in calls of its own costs its worker six messages: two calls, their
// finishes, the return of the batch and the release of the sink.
constexpr double messagesPerSms = 16;

/// A worker that keeps to the contract comes near none of these.
inline Terms workerTerms() {
  return {.peer = Terms::Peer::server,
          .messageWords = proto::MAX_MESSAGE / sizeof(capnp::word),
          .calls = proto::MAX_CALLS,
          .callWords = proto::MAX_MESSAGE / sizeof(capnp::word),
          .queuedBytes = 1 << 20,
          .perTurn = 64,
          .budget = std::make_shared<Budget>(Budget::Rate{.perSecond = 500, .burst = 2000}),
          .overdrawn = Terms::Overdrawn::ends,
          .silence = nullptr};
}

}  // namespace smsd::rpc
