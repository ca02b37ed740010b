// SPDX-License-Identifier: GPL-3.0-or-later
// Listens on one socket of smsd's own, control.sock, status.sock or intake.sock, and serves its connections.
//
// Owns the connections (socket-file.h owns the file of the socket, session.h the calls). A client can never
// block smsd: its messages are bounded (rpc::Terms), its connection is its own, and the number of connections
// is limited (Seats). A connection that exceeds its bounds is closed, and so is a silent one: after
// maxSilence, or as soon as another connection needs its place. Of a user with several connections one is
// closed as soon as a user without any needs its place.
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/io.h>
#include <proto/control.capnp.h>

#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/rpc/channel.h"
#include "supervisor/control/seats.h"
#include "supervisor/control/socket-file.h"
#include "supervisor/events/events.h"

namespace smsd::control {

class Listener final : private kj::TaskSet::ErrorHandler {
 public:
  /// What one connection is served.
  struct Served {
    capnp::Capability::Client door;
    std::function<void()> written;  // called when all answers have been written, and at the end
  };
  /// Makes it, for the user at the other end.
  using Serve = kj::Function<Served(std::optional<unsigned> uid)>;

  /// The bounds of one socket's clients.
  struct Bounds {
    std::size_t messageBytes = proto::MAX_REQUEST;
    std::size_t calls = proto::MAX_CALLS_OF_CLIENT;
    rpc::Budget::Rate rate{.perSecond = 500, .burst = 1000};  // of messages, see budget_
  };

  /// Binds at once. Throws CannotListen, with advice for the operator, if it cannot.
  Listener(kj::AsyncIoContext& io, const std::filesystem::path& socket, const events::EventLog& log,
           Serve serve, const Bounds& bounds);
  Listener(kj::AsyncIoContext& io, const std::filesystem::path& socket, const events::EventLog& log,
           Serve serve)
      : Listener(io, socket, log, kj::mv(serve), Bounds()) {}
  ~Listener() noexcept(false);

 private:
  /// An open connection.
  struct Peer {
    std::optional<unsigned> uid;
    rpc::Channel* channel = nullptr;
    kj::Own<kj::PromiseFulfiller<void>> end;
    std::function<void()> written;
  };
  using Peers = std::list<Peer>;

  enum class Opened { yes, refused };
  kj::Promise<void> accept();
  Opened open(kj::AutoCloseFd socket);
  kj::Promise<void> serve(kj::Own<rpc::Channel> channel, Peers::iterator peer, kj::Promise<void> end);
  /// Ends the connection that has been silent for longest, if there is one in whose place this user may have
  /// another. For a user who has none, one of the user who has the most is enough, silent or not.
  void makeRoomFor(std::optional<unsigned> uid);
  Peers::iterator silentOne(std::optional<unsigned> uid);
  Peers::iterator oneOfTheMost(std::optional<unsigned> uid);
  void leave(Peers::iterator peer);
  rpc::Terms terms(std::optional<unsigned> uid) const;
  /// Whether a connection that is turned away or ended may be logged now. Returns the number of those that
  /// were not logged since the last entry; none: the last entry is too recent.
  std::optional<unsigned> maySay();
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  std::string name_;  // of the socket, for the journal
  SocketFile file_;
  const events::EventLog& log_;
  Serve serve_;
  kj::LowLevelAsyncIoProvider& provider_;
  kj::AutoCloseFd listener_;
  kj::UnixEventPort::FdObserver readable_;
  Seats seats_;
  const Bounds bounds_;
  // One budget is for all connections of root and smsd's own user together, another for all others together.
  std::shared_ptr<rpc::Budget> budget_, othersBudget_;
  kj::TimePoint nextEntry_;
  std::map<std::optional<unsigned>, kj::TimePoint>
      nextRoom_;         // of a user: no connection loses its place for it before
  unsigned unsaid_ = 0;  // connections turned away or ended without an entry since the last one
  Peers peers_;
  kj::TaskSet tasks_;
};

}  // namespace smsd::control
