// SPDX-License-Identifier: GPL-3.0-or-later
// intake.sock of the running supervisor: the socket, the desk behind it, and its way to the queue.
//
// Owns the thread and the connection by which alerts come into the queue, so that neither the road nor an
// operator's question is in their way; a queue of the administrator's own is called from one thread only,
// that of the road. Called by the daemon and the reloader. Without the socket's folder there is no intake.
#pragma once

#include <kj/async-io.h>

#include <optional>

#include "supervisor/control/listener.h"
#include "supervisor/events/events.h"
#include "supervisor/intake/desk.h"
#include "supervisor/queue/queue-thread.h"
#include "supervisor/road/road.h"

namespace smsd {

class IntakeSocket {
 public:
  /// Binds at once. Throws control::CannotListen if it cannot.
  IntakeSocket(kj::AsyncIoContext& io, queue::QueueThread& queue, road::Road& road,
               const events::EventLog& log);

  /// Applies the road's configuration.
  void reconfigured() { desk_.use(road_.config()); }
  /// Whether a thread still works on alerts.
  bool busy() const { return desk_.busy(); }
  /// Cuts the connection to the queue.
  void hangUp();

 private:
  road::Road& road_;
  kj::Own<queue::QueueThread> own_;  // null: the road's
  intake::Desk desk_;
  std::optional<control::Listener> listener_;
};

}  // namespace smsd
