// The door of a worker that systemd started: lets in one supervisor at a time, and tells the server when it
// has gone.
//
// Owns who may come in: by the kernel's word on who connected (SO_PEERCRED), whatever the mode of the socket
// lets through. A stranger's connection is closed before anything is read from it.
#pragma once

#include <fmt/format.h>
#include <kj/async-io.h>
#include <sys/types.h>

#include <algorithm>
#include <set>
#include <vector>

#include "common/fault.h"
#include "common/journal/journal.h"
#include "common/rpc/channel.h"
#include "workers/kit/server.h"

namespace smsd::kit {

/// By the kernel's word on who connected.
inline bool isOneOf(kj::PeerIdentity& identity, const std::vector<uid_t>& welcome) {
  auto* local = dynamic_cast<kj::LocalPeerIdentity*>(&identity);
  if (local == nullptr) return false;
  KJ_IF_MAYBE (uid, local->getCredentials().uid)
    return std::find(welcome.begin(), welcome.end(), *uid) != welcome.end();
  return false;
}

class Visitors final : private kj::TaskSet::ErrorHandler {
 public:
  /// `server` is `inner`, as the capability that every connection is served with.
  Visitors(kj::Own<kj::ConnectionReceiver> door, kj::Timer& timer, std::vector<uid_t> welcome, Server& inner,
           proto::Dispatcher::Client server)
      : door_(kj::mv(door)),
        timer_(timer),
        welcome_(std::move(welcome)),
        inner_(inner),
        server_(kj::mv(server)),
        tasks_(*this) {
    tasks_.add(next());
  }

  /// Resolves when nobody can be let in any more.
  kj::Promise<void> failed() { return kj::mv(failed_.promise); }

 private:
  kj::Promise<void> next() {
    return door_->acceptAuthenticated().then([this](kj::AuthenticatedStream visitor) {
      if (!inside_ && knows(*visitor.peerIdentity)) letIn(kj::mv(visitor.stream));
      // A timer fires only after all sockets had their turn, so that strangers who come and go do not delay
      // an SMS.
      return timer_.afterDelay(0 * kj::SECONDS).then([this]() { return next(); });
    });
  }

  void letIn(kj::Own<kj::AsyncIoStream> stream) {
    inside_ = true;
    inner_.supervisorCame();
    auto channel = rpc::Channel::serve(kj::mv(stream), server_);
    auto over = channel->disconnected().then([this]() {
      inside_ = false;
      inner_.supervisorGone();
    });
    tasks_.add(over.attach(kj::mv(channel)));
  }

  bool knows(kj::PeerIdentity& identity) {
    if (isOneOf(identity, welcome_)) return true;
    auto* local = dynamic_cast<kj::LocalPeerIdentity*>(&identity);
    if (local == nullptr) return false;
    auto credentials = local->getCredentials();
    KJ_IF_MAYBE (uid, credentials.uid) {
      // One line a stranger, and not for ever: it can come as often as it likes.
      if (strangers_.size() < mostStrangers && strangers_.insert(*uid).second)
        journal::Entry(journal::Level::warning,
                       fmt::format("a process of uid {} (pid {}) was turned away: expected the supervisor",
                                   *uid, credentials.pid.orDefault(0)))
            .write();
    }
    return false;
  }

  void taskFailed(kj::Exception&& exception) override {
    journal::Entry(journal::Level::error, faultOf(exception)).write();
    failed_.fulfiller->fulfill();
  }

  static constexpr std::size_t mostStrangers = 16;

  kj::Own<kj::ConnectionReceiver> door_;
  kj::Timer& timer_;
  std::vector<uid_t> welcome_;
  Server& inner_;
  proto::Dispatcher::Client server_;
  bool inside_ = false;
  std::set<uid_t> strangers_;
  kj::PromiseFulfillerPair<void> failed_ = kj::newPromiseAndFulfiller<void>();
  kj::TaskSet tasks_;
};

}  // namespace smsd::kit
