// The operator's door: listens on control.sock, and opens it to whoever may connect there.
//
// Owns the connections to it (the socket's file is socket-file.h's); what may be asked is door.h's. A client
// can ask, never block: what it sends is bounded (rpc::Terms), its connection is its own, and there are so
// many of them at most (Seats). A connection that exceeds its bounds is closed, and so is a silent one,
// because it keeps a seat from others.
#pragma once

#include <kj/async-io.h>


#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "common/rpc/channel.h"
#include "supervisor/control/glance.h"
#include "supervisor/control/pauses.h"
#include "supervisor/control/seats.h"
#include "supervisor/control/socket-file.h"
#include "supervisor/events.h"
#include "supervisor/queue/queue-thread.h"
#include "supervisor/road/road.h"

namespace smsd::control {

/// What the operator's acts are about.
struct Subject {
  Road& road;
  queue::QueueThread& queue;
  Pauses& pauses;
  const Events& log;
  std::string backend;
  kj::Function<void()> stop;
  /// Reloads, and resolves with what came of it.
  struct Reloaded {
    std::string problem;  // empty: it is in force
    std::string done;
  };
  kj::Function<kj::Promise<Reloaded>()> reload;
};

class ControlServer final : private kj::TaskSet::ErrorHandler {
 public:
  /// Binds at once; throws CannotListen with what to do when it cannot.
  ControlServer(kj::AsyncIoContext& io, const std::filesystem::path& socket, Subject subject);
  ~ControlServer() noexcept(false);

 private:
  kj::Promise<void> accept();
  void open(kj::AuthenticatedStream peer);
  kj::Promise<void> serve(kj::Own<rpc::Channel> channel, std::optional<unsigned> uid);
  rpc::Terms terms(std::optional<unsigned> uid) const;
  /// How many connections went without an entry of their own since the last one; none: there was one just
  /// now.
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
  unsigned unsaid_ = 0;    // connections turned away or ended since the last entry
  unsigned asked_ = 0;     // questions to the queue that are not answered
  kj::TaskSet questions_;  // to the queue; they outlive the connection that asked
  Glance glance_;
  kj::TaskSet tasks_;
};

}  // namespace smsd::control
