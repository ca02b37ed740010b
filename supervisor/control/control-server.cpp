// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/control-server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "common/fault.h"
#include "common/journal/journal.h"
#include "supervisor/control/session.h"

namespace smsd::control {
namespace {

// One budget is for all connections of root and smsd's own user together, another for all others together.
constexpr rpc::Budget::Rate messages{.perSecond = 500, .burst = 1000};
constexpr auto entryEvery = 60 * kj::SECONDS;  // about connections turned away or ended
constexpr auto lastWords = 1 * kj::SECONDS;    // for the reason to reach a peer before it is disconnected

/// Returns the user at the other end (SO_PEERCRED).
std::optional<unsigned> uidOf(kj::AuthenticatedStream& peer) {
  if (auto* local = dynamic_cast<kj::LocalPeerIdentity*>(peer.peerIdentity.get()))
    KJ_IF_MAYBE (uid, local->getCredentials().uid) return *uid;
  return std::nullopt;
}

}  // namespace

ControlServer::ControlServer(kj::AsyncIoContext& io, const std::filesystem::path& socket, Subject subject)
    : timer_(io.provider->getTimer()),
      file_(socket),
      subject_(kj::mv(subject)),
      started_(timer_.now()),
      listener_(io.lowLevelProvider->wrapListenSocketFd(
          file_.takeListener(),
          kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC | kj::LowLevelAsyncIoProvider::ALREADY_NONBLOCK)),
      seats_(geteuid()),
      budget_(std::make_shared<rpc::Budget>(messages)),
      othersBudget_(std::make_shared<rpc::Budget>(messages)),
      nextEntry_(timer_.now()),
      questions_(*this),
      glance_(subject_.queue, timer_, questions_),
      tasks_(*this) {
  tasks_.add(accept());
}

ControlServer::~ControlServer() noexcept(false) = default;

kj::Promise<void> ControlServer::accept() {
  return listener_->acceptAuthenticated().then(
      [this](kj::AuthenticatedStream peer) {
        open(kj::mv(peer));
        // A timer fires only after all sockets had their turn, so that a flood of connections delays no other
        // connection.
        return timer_.afterDelay(0 * kj::SECONDS).then([this]() { return accept(); });
      },
      [this](kj::Exception&&) {
        // Most likely no descriptor is free: keep listening.
        return timer_.afterDelay(1 * kj::SECONDS).then([this]() { return accept(); });
      });
}

rpc::Terms ControlServer::terms(std::optional<unsigned> uid) const {
  return {.peer = rpc::Terms::Peer::client,
          .messageWords = proto::MAX_REQUEST / sizeof(capnp::word),
          .calls = proto::MAX_CALLS_OF_CLIENT,
          .callWords = proto::MAX_REQUEST / sizeof(capnp::word),
          .queuedBytes = 1 << 16,
          .perTurn = 16,
          .budget = seats_.trusted(uid) ? budget_ : othersBudget_,
          .overdrawn = rpc::Terms::Overdrawn::waits,
          .silence = proto::MAX_SILENCE * kj::SECONDS};
}

void ControlServer::open(kj::AuthenticatedStream peer) {
  auto uid = uidOf(peer);
  if (!seats_.take(uid)) {
    if (auto more = maySay()) subject_.log.controlRefused(uid, seats_.of(uid), seats_.total(), *more);
    return;
  }
  Door::Means means{glance_, questions_, asked_, timer_, started_};
  auto channel =
      rpc::Channel::serve(kj::mv(peer.stream), kj::heap<Door>(subject_, means, uid), timer_, terms(uid));
  tasks_.add(serve(kj::mv(channel), uid).attach(kj::defer([this, uid]() { seats_.leave(uid); })));
}

kj::Promise<void> ControlServer::serve(kj::Own<rpc::Channel> channel, std::optional<unsigned> uid) {
  auto ended = channel->ended().then([this, uid, &channel = *channel](const rpc::Guard::End& end) {
    if (auto more = maySay()) subject_.log.controlEnded(uid, end.words, *more);
    return channel.disconnected().exclusiveJoin(timer_.afterDelay(lastWords));
  });
  return channel->disconnected().exclusiveJoin(kj::mv(ended)).attach(kj::mv(channel));
}

std::optional<unsigned> ControlServer::maySay() {
  if (timer_.now() < nextEntry_) {
    ++unsaid_;
    return std::nullopt;
  }
  nextEntry_ = timer_.now() + entryEvery;
  return std::exchange(unsaid_, 0);
}

void ControlServer::taskFailed(kj::Exception&& exception) {
  if (exception.getType() == kj::Exception::Type::DISCONNECTED) return;
  journal::Entry(journal::Level::warning, fmt::format("control: {}", faultOf(exception))).write();
}

}  // namespace smsd::control
