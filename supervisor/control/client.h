// A connection to control.sock, for as long as the object lives.
//
// Used by smsctl, and by smsd where it has an errand for a daemon that runs. Owns an event loop of its own:
// one at a time in a thread. Throws Unreachable when nobody can be asked, and kj::Exception when the daemon
// goes away in between or does not answer in time.
#pragma once

#include <kj/async-io.h>
#include <proto/control.capnp.h>

#include <filesystem>
#include <stdexcept>
#include <string>

#include "common/rpc/channel.h"

namespace smsd::control {

class Unreachable : public std::runtime_error {
 public:
  enum class Why {
    notRunning,  // nobody listens there
    denied,      // somebody may, but not for us
  };
  Unreachable(Why why, const std::string& what) : std::runtime_error(what), why_(why) {}
  Why why() const { return why_; }

 private:
  Why why_;
};

/// Why a question to a daemon that was reached has no answer, for the operator.
std::string noAnswer(const kj::Exception& fault);

class Client {
 public:
  explicit Client(const std::filesystem::path& socket);
  proto::Control::Client& control() { return control_; }
  /// Waits for an answer: a few seconds at most, or as long as is said.
  template <typename T>
  T wait(kj::Promise<T> promise, kj::Duration patience = 5 * kj::SECONDS) {
    return io_.provider->getTimer().timeoutAfter(patience, kj::mv(promise)).wait(io_.waitScope);
  }
  kj::AsyncIoContext& io() { return io_; }

 private:
  kj::AsyncIoContext io_;
  kj::Own<rpc::Channel> channel_;
  proto::Control::Client control_;
};

}  // namespace smsd::control
