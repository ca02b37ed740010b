// SPDX-License-Identifier: GPL-3.0-or-later
// Serves operators' tools at control.sock, which is for every command, and at status.sock, which is for the
// state alone.
//
// Owns what the connections share: the calls to the queue (questions.h), the depth of the queue
// (queue-depth.h) and the two sockets (listener.h). The calls themselves are in session.h.
#pragma once

#include <kj/async-io.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "supervisor/admin-mail/mail-desk.h"
#include "supervisor/control/act-notes.h"
#include "supervisor/control/answer-room.h"
#include "supervisor/control/listener.h"
#include "supervisor/control/metrics-desk.h"
#include "supervisor/control/paused-dispatchers.h"
#include "supervisor/control/questions.h"
#include "supervisor/control/queue-depth.h"
#include "supervisor/events/events.h"
#include "supervisor/queue/queue-thread.h"
#include "supervisor/road/road.h"
#include "supervisor/watchkeeping/canary-watch.h"
#include "supervisor/watchkeeping/heartbeats.h"

namespace smsd::control {

/// The parts of smsd that the calls of an operator act on.
struct Subject {
  road::Road& road;
  queue::QueueThread& queue;
  /// Another connection to the same queue, on a thread of its own. Null: a queue of the administrator's own
  /// is called from one thread only, and `queue` is for operators as well.
  queue::QueueThread* forOperators;
  Pauses& pauses;
  const events::EventLog& log;
  std::string backend;
  kj::Function<void()> stop;
  /// Reloads, and resolves with the result.
  struct Reloaded {
    std::string problem;  // empty: the new configuration is in force
    std::string done;
  };
  kj::Function<kj::Promise<Reloaded>()> reload;
  admin_mail::MailDesk& mail;
  watchkeeping::CanaryWatch& canaries;
  watchkeeping::Heartbeats& heartbeats;
};

/// What all connections share.
struct Means {
  Glance& glance;
  MetricsDesk& metrics;
  Questions& questions;
  ActNotes& notes;
  kj::Timer& timer;
  kj::TimePoint started;
};

class ControlServer final : private kj::TaskSet::ErrorHandler {
 public:
  struct Sockets {
    std::filesystem::path control;
    std::filesystem::path status;  // empty: none
  };
  /// Binds at once. Throws CannotListen, with advice for the operator, if it cannot.
  ControlServer(kj::AsyncIoContext& io, const Sockets& sockets, Subject subject);
  ~ControlServer() noexcept(false);

  /// Whether a thread still works on a call of an operator.
  bool busy() const { return questions_.busy(); }

 private:
  Means means();
  void taskFailed(kj::Exception&& exception) override;

  Subject subject_;
  kj::Timer& timer_;
  kj::TimePoint started_;
  kj::TaskSet tasks_;  // calls to the queue; they outlive the connection that made them
  Glance glance_;
  std::shared_ptr<AnswerRoom> room_;
  MetricsDesk metrics_;
  Questions questions_;
  ActNotes notes_;
  Listener control_;
  std::optional<Listener> status_;
};

/// Writes the journal entry of an error that no call reports.
void logFault(const kj::Exception& exception);

}  // namespace smsd::control
