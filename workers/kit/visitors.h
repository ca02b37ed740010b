// The door of a worker that systemd started: lets in one supervisor at a time, and tells the server when it
// has gone.
#pragma once

#include <kj/async-io.h>

#include "common/journal/journal.h"
#include "common/rpc/channel.h"
#include "workers/kit/server.h"

namespace smsd::kit {

class Visitors final : private kj::TaskSet::ErrorHandler {
 public:
  /// `server` is `inner`, as the capability that every connection is served with.
  Visitors(kj::Own<kj::ConnectionReceiver> door, Server& inner, proto::Dispatcher::Client server)
      : door_(kj::mv(door)), inner_(inner), server_(kj::mv(server)), tasks_(*this) {
    tasks_.add(next());
  }

  /// Resolves when nobody can be let in any more.
  kj::Promise<void> failed() { return kj::mv(failed_.promise); }

 private:
  kj::Promise<void> next() {
    return door_->accept().then([this](kj::Own<kj::AsyncIoStream> stream) {
      if (!inside_) {
        inside_ = true;
        auto channel = rpc::Channel::serve(kj::mv(stream), server_);
        auto over = channel->disconnected().then([this]() {
          inside_ = false;
          inner_.supervisorGone();
        });
        tasks_.add(over.attach(kj::mv(channel)));
      }
      return next();
    });
  }

  void taskFailed(kj::Exception&& exception) override {
    journal::Entry(journal::Level::error, exception.getDescription().cStr()).write();
    failed_.fulfiller->fulfill();
  }

  kj::Own<kj::ConnectionReceiver> door_;
  Server& inner_;
  proto::Dispatcher::Client server_;
  bool inside_ = false;
  kj::PromiseFulfillerPair<void> failed_ = kj::newPromiseAndFulfiller<void>();
  kj::TaskSet tasks_;
};

}  // namespace smsd::kit
