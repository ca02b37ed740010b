// SPDX-License-Identifier: GPL-3.0-or-later
// Listens on control.sock and accepts the connections of operators' tools.
//
// Owns the connections (socket-file.h owns the file of the socket, session.h the calls). A client can never
// block smsd: its messages are bounded (rpc::Terms), its connection is its own, and the number of connections
// is limited (Seats). A connection that exceeds its bounds is closed, and so is a silent one, because it
// keeps a seat from others.
#pragma once

#include <kj/async-io.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "common/rpc/channel.h"
#include "supervisor/admin-mail/mail-desk.h"
#include "supervisor/control/paused-dispatchers.h"
#include "supervisor/control/queue-depth.h"
#include "supervisor/control/seats.h"
#include "supervisor/control/socket-file.h"
#include "supervisor/events/events.h"
#include "supervisor/queue/queue-thread.h"
#include "supervisor/road/road.h"

namespace smsd::control {

/// The parts of smsd that the calls of an operator act on.
struct Subject {
  road::Road& road;
  queue::QueueThread& queue;
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
  const admin_mail::MailDesk& mail;
};

class ControlServer final : private kj::TaskSet::ErrorHandler {
 public:
  /// Binds at once. Throws CannotListen, with advice for the operator, if it cannot.
  ControlServer(kj::AsyncIoContext& io, const std::filesystem::path& socket, Subject subject);
  ~ControlServer() noexcept(false);

 private:
  kj::Promise<void> accept();
  void open(kj::AuthenticatedStream peer);
  kj::Promise<void> serve(kj::Own<rpc::Channel> channel, std::optional<unsigned> uid);
  rpc::Terms terms(std::optional<unsigned> uid) const;
  /// Whether a connection that is turned away or ended may be logged now. Returns the number of those that
  /// were not logged since the last entry; none: the last entry is too recent.
  std::optional<unsigned> maySay();
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  SocketFile file_;
  Subject subject_;
  kj::TimePoint started_;
  kj::Own<kj::ConnectionReceiver> listener_;
  Seats seats_;
  std::shared_ptr<rpc::Budget> budget_, othersBudget_;
  kj::TimePoint nextEntry_;
  unsigned unsaid_ = 0;    // connections turned away or ended without an entry since the last one
  unsigned asked_ = 0;     // unanswered calls to the queue
  kj::TaskSet questions_;  // calls to the queue; they outlive the connection that made them
  Glance glance_;
  kj::TaskSet tasks_;
};

}  // namespace smsd::control
