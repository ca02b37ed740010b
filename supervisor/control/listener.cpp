// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/listener.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/fault.h"
#include "common/journal/journal.h"

namespace smsd::control {
namespace {

constexpr auto entryEvery = 60 * kj::SECONDS;  // about connections turned away or ended
constexpr unsigned acceptedAtOnce = 64;
// After a connection was refused. A crowd that comes back each second wakes the loop 20 times a second then,
// not once for each of its connections. A client that is let in waits no longer than that.
constexpr auto pauseAfterRefusal = 50 * kj::MILLISECONDS;
constexpr auto roomEvery = 20 * kj::MILLISECONDS;         // of one user: at most one place in this time
constexpr auto shortestSilence = 500 * kj::MILLISECONDS;  // of a connection that loses its place
constexpr auto lastWords = 1 * kj::SECONDS;  // for the reason to reach a peer before it is disconnected

/// Returns the user at the other end, as the kernel knows it from the moment of connect().
std::optional<unsigned> uidOf(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  return peer.uid;
}

}  // namespace

Listener::Listener(kj::AsyncIoContext& io, const std::filesystem::path& socket, const events::EventLog& log,
                   Serve serve, const Bounds& bounds)
    : timer_(io.provider->getTimer()),
      name_(socket.filename().string()),
      file_(socket),
      log_(log),
      serve_(kj::mv(serve)),
      provider_(*io.lowLevelProvider),
      listener_(file_.takeListener()),
      readable_(io.unixEventPort, listener_.get(), kj::UnixEventPort::FdObserver::OBSERVE_READ),
      seats_(geteuid()),
      bounds_(bounds),
      budget_(std::make_shared<rpc::Budget>(bounds.rate)),
      othersBudget_(std::make_shared<rpc::Budget>(bounds.rate)),
      nextEntry_(timer_.now()),
      tasks_(*this) {
  tasks_.add(kj::evalLater([this]() { return accept(); }));
}

Listener::~Listener() noexcept(false) = default;

/// Accepts by itself instead of by KJ, because a connection that is turned away should cost little.
kj::Promise<void> Listener::accept() {
  bool refused = false;
  for (unsigned count = 0; count < acceptedAtOnce; ++count) {
    kj::AutoCloseFd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket.get() >= 0) {
      refused = open(kj::mv(socket)) == Opened::refused || refused;
      continue;
    }
    if (errno == EAGAIN && !refused)
      return readable_.whenBecomesReadable().then([this]() { return accept(); });
    if (errno == EAGAIN) break;
    if (errno == EINTR || errno == ECONNABORTED) continue;
    // Most likely no descriptor is free: keep listening.
    return timer_.afterDelay(1 * kj::SECONDS).then([this]() { return accept(); });
  }
  // A timer fires only after all sockets had their turn, so that a flood of connections delays no other
  // connection.
  return timer_.afterDelay(refused ? pauseAfterRefusal : 0 * kj::SECONDS).then([this]() { return accept(); });
}

rpc::Terms Listener::terms(std::optional<unsigned> uid) const {
  return {.peer = rpc::Terms::Peer::client,
          .messageWords = bounds_.messageBytes / sizeof(capnp::word),
          .calls = bounds_.calls,
          .callWords = bounds_.messageBytes / sizeof(capnp::word),
          .queuedBytes = 1 << 16,
          .perTurn = 16,
          .budget = seats_.trusted(uid) ? budget_ : othersBudget_,
          .overdrawn = rpc::Terms::Overdrawn::waits,
          .silence = proto::MAX_SILENCE * kj::SECONDS};
}

Listener::Opened Listener::open(kj::AutoCloseFd socket) {
  const auto uid = uidOf(socket.get());
  if (!seats_.free(uid)) makeRoomFor(uid);
  if (!seats_.take(uid)) {
    if (auto more = maySay()) log_.controlRefused(name_, uid, seats_.of(uid), seats_.total(), *more);
    return Opened::refused;
  }
  Served served = serve_(uid);
  rpc::Terms bounds = terms(uid);
  bounds.written = served.written;
  auto channel = rpc::Channel::serve(
      provider_.wrapSocketFd(socket.release(), kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP |
                                                   kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC |
                                                   kj::LowLevelAsyncIoProvider::ALREADY_NONBLOCK),
      kj::mv(served.door), timer_, std::move(bounds));
  auto end = kj::newPromiseAndFulfiller<void>();
  auto peer =
      peers_.insert(peers_.end(), Peer{uid, channel.get(), kj::mv(end.fulfiller), std::move(served.written)});
  tasks_.add(serve(kj::mv(channel), peer, kj::mv(end.promise)).attach(kj::defer([this, peer]() {
    leave(peer);
    if (peer->written) peer->written();
    peers_.erase(peer);
  })));
  return Opened::yes;
}

kj::Promise<void> Listener::serve(kj::Own<rpc::Channel> channel, Peers::iterator peer,
                                  kj::Promise<void> end) {
  auto ended = channel->ended().then([this, peer, &channel = *channel](const rpc::Guard::End& why) {
    if (auto more = maySay()) log_.controlEnded(name_, peer->uid, why.words, *more);
    return channel.disconnected().exclusiveJoin(timer_.afterDelay(lastWords));
  });
  return channel->disconnected()
      .exclusiveJoin(kj::mv(ended))
      .exclusiveJoin(kj::mv(end))
      .attach(kj::mv(channel));
}

void Listener::makeRoomFor(std::optional<unsigned> uid) {
  constexpr std::size_t mostUsers = 1000;
  if (nextRoom_.size() >= mostUsers) nextRoom_.clear();
  auto [next, isNew] = nextRoom_.try_emplace(uid, timer_.now());
  if (timer_.now() < next->second) return;
  next->second = timer_.now() + roomEvery;
  auto found = silentOne(uid);
  const bool silent = found != peers_.end();
  if (!silent) found = oneOfTheMost(uid);
  if (found == peers_.end()) return;
  if (auto more = maySay())
    log_.controlEnded(name_, found->uid,
                      silent ? "it was silent, and another connection needs its place"
                             : "its user has the most, and a user who has none needs its place",
                      *more);
  leave(found);
  found->end->fulfill();
}

Listener::Peers::iterator Listener::silentOne(std::optional<unsigned> uid) {
  kj::Duration longest = shortestSilence;
  Peers::iterator found = peers_.end();
  for (auto peer = peers_.begin(); peer != peers_.end(); ++peer) {
    if (peer->channel == nullptr || !seats_.mayReplace(uid, peer->uid)) continue;
    KJ_IF_MAYBE (silence, peer->channel->silentFor()) {
      if (*silence < longest) continue;
      longest = *silence;
      found = peer;
    }
  }
  return found;
}

/// Returns the oldest one.
Listener::Peers::iterator Listener::oneOfTheMost(std::optional<unsigned> uid) {
  return std::find_if(peers_.begin(), peers_.end(), [&](const Peer& peer) {
    return peer.channel != nullptr && seats_.mayCrowdOut(uid, peer.uid);
  });
}

/// The place is free at once, also if the connection itself ends a moment later.
void Listener::leave(Peers::iterator peer) {
  if (std::exchange(peer->channel, nullptr) != nullptr) seats_.leave(peer->uid);
}

std::optional<unsigned> Listener::maySay() {
  if (timer_.now() < nextEntry_) {
    ++unsaid_;
    return std::nullopt;
  }
  nextEntry_ = timer_.now() + entryEvery;
  return std::exchange(unsaid_, 0);
}

void Listener::taskFailed(kj::Exception&& exception) {
  if (exception.getType() == kj::Exception::Type::DISCONNECTED) return;
  journal::Entry(journal::Level::warning, fmt::format("control: {}", faultOf(exception))).write();
}

}  // namespace smsd::control
