// A connection to control.sock, for as long as the object lives. Throws Failure when nobody answers there.
#pragma once

#include <kj/async-io.h>
#include <proto/control.capnp.h>

#include <filesystem>

#include "common/rpc/channel.h"

namespace smsd::smsctl {

class Client {
 public:
  explicit Client(const std::filesystem::path& socket);
  proto::Control::Client& control() { return control_; }
  /// Waits for an answer, a few seconds at most.
  template <typename T>
  T wait(kj::Promise<T> promise) {
    return io_.provider->getTimer().timeoutAfter(5 * kj::SECONDS, kj::mv(promise)).wait(io_.waitScope);
  }
  kj::WaitScope& scope() { return io_.waitScope; }
  kj::Timer& timer() { return io_.provider->getTimer(); }

 private:
  kj::AsyncIoContext io_;
  kj::Own<rpc::Channel> channel_;
  proto::Control::Client control_;
};

}  // namespace smsd::smsctl
