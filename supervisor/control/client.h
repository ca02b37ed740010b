// SPDX-License-Identifier: GPL-3.0-or-later
// A connection to control.sock, for as long as the object lives.
//
// Used by smsctl, and by smsd when it has an errand for a running daemon. Owns an event loop, so only one can
// exist in a thread at a time. Throws Unreachable if no connection can be made, and kj::Exception if the
// daemon goes away or does not answer in time.
#pragma once

#include <kj/async-io.h>
#include <proto/control.capnp.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>

#include "common/rpc/channel.h"
#include "supervisor/queue/queue.h"

namespace smsd::control {

/// How long a client waits for an answer that needs the queue. The daemon itself gives its queue 20 s.
constexpr auto queuePatience = 25 * kj::SECONDS;

class Unreachable : public std::runtime_error {
 public:
  enum class Why {
    notRunning,  // there is no socket, or no process listens on it
    denied,      // we may not connect, whether or not smsd is running
    inDoubt,     // any other error: smsd may be running, so do nothing past it
  };
  Unreachable(Why why, const std::string& what, int error = 0)
      : std::runtime_error(what), why_(why), error_(error) {}
  Why why() const { return why_; }
  /// The daemon accepts no connection: it hangs, or too many clients wait.
  bool isFull() const { return error_ == EAGAIN || error_ == ETIMEDOUT; }

 private:
  Why why_;
  int error_;
};

/// Returns the error of the daemon's queue that an answer carries; none: its `problem`, if there is one, is
/// another, or the daemon is of an older version.
std::optional<queue::QueueError> queueError(proto::QueueFault fault, capnp::Text::Reader problem);

/// Explains to the operator why a call to a daemon that was reached failed.
std::string noAnswer(const kj::Exception& fault);

class Client {
 public:
  /// Waits no longer than `patience` for a daemon that accepts no connection, or has no place for one. For
  /// the default path, tries that of older versions as well.
  explicit Client(const std::filesystem::path& socket, kj::Duration patience = 5 * kj::SECONDS);
  proto::Control::Client& control() { return control_; }
  /// The main interface, for a socket that has another one.
  capnp::Capability::Client peer() { return channel_->peer(); }
  /// Waits for `promise`, but no longer than `patience`; then throws.
  template <typename T>
  T wait(kj::Promise<T> promise, kj::Duration patience = 5 * kj::SECONDS) {
    return io_.provider->getTimer().timeoutAfter(patience, kj::mv(promise)).wait(io_.waitScope);
  }
  kj::AsyncIoContext& io() { return io_; }
  /// The process that listens at the socket; 0: not known.
  int pid() const { return pid_; }
  /// False: the daemon has accepted the connection, but has not answered within a second.
  bool heard() const { return heard_; }

 private:
  bool connect(const std::filesystem::path& socket, kj::Duration patience);

  kj::AsyncIoContext io_;
  kj::Own<rpc::Channel> channel_;
  proto::Control::Client control_;
  bool heard_ = false;
  int pid_ = 0;
};

}  // namespace smsd::control
