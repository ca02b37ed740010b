// SPDX-License-Identifier: GPL-3.0-or-later
// Accepts connections to a worker that systemd started: one supervisor at a time. Notifies the server when a
// supervisor connects and disconnects.
//
// Owns the access check. It compares the user id that the kernel reports for the peer (SO_PEERCRED), whatever
// the mode of the socket allows. The connection of any other user is closed before anything is read from it.
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

/// Whether the peer's user id, as reported by the kernel, is in `welcome`.
inline bool isOneOf(kj::PeerIdentity& identity, const std::vector<uid_t>& welcome) {
  auto* local = dynamic_cast<kj::LocalPeerIdentity*>(&identity);
  if (local == nullptr) return false;
  KJ_IF_MAYBE (uid, local->getCredentials().uid)
    return std::find(welcome.begin(), welcome.end(), *uid) != welcome.end();
  return false;
}

class Visitors final : private kj::TaskSet::ErrorHandler {
 public:
  /// `server` is the capability for `inner`; every connection is served with it.
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

  /// Resolves when no connection can be accepted any more.
  kj::Promise<void> failed() { return kj::mv(failed_.promise); }

 private:
  kj::Promise<void> next() {
    return door_->acceptAuthenticated().then([this](kj::AuthenticatedStream visitor) {
      if (!inside_ && knows(*visitor.peerIdentity)) letIn(kj::mv(visitor.stream));
      // A timer fires only after all ready sockets were served, so that a stream of rejected connections does
      // not delay an SMS.
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
      // One log entry per user id, for at most 16 user ids: a stranger may connect any number of times.
      if (strangers_.size() < mostStrangers && strangers_.insert(*uid).second)
        journal::Entry(journal::Level::warning,
                       fmt::format("refused a connection of uid {} (pid {}): expected the supervisor", *uid,
                                   credentials.pid.orDefault(0)))
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
