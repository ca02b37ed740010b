// The operator's door: serves proto/control.capnp on control.sock.
//
// Owns the socket file and the connections to it. Answers from the road's state at any time; asks the queue
// for its depth, but not for long. A client can ask, never block: what it sends is bounded, its connection is
// its own.
#pragma once

#include <kj/async-io.h>
#include <proto/control.capnp.h>

#include <filesystem>
#include <optional>
#include <string>

#include "supervisor/queue/queue-thread.h"
#include "supervisor/road/road.h"

namespace smsd::control {

struct Subject {
  Road& road;
  queue::QueueThread& queue;
  std::string backend;
  kj::Function<void()> stop;
};

class ControlServer final : private kj::TaskSet::ErrorHandler {
 public:
  /// Binds at once; throws std::runtime_error with what to do when it cannot.
  ControlServer(kj::AsyncIoContext& io, const std::filesystem::path& socket, Subject subject);
  ~ControlServer() noexcept(false);

 private:
  class Door;

  kj::Promise<void> accept();
  kj::Promise<std::optional<queue::Depth>> depth();
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  std::filesystem::path path_;
  Subject subject_;
  kj::TimePoint started_;
  kj::Own<kj::ConnectionReceiver> listener_;
  unsigned connections_ = 0;
  kj::Maybe<kj::ForkedPromise<std::optional<queue::Depth>>> asked_;
  kj::TaskSet tasks_;
};

}  // namespace smsd::control
