#include "supervisor/control/control-server.h"

#include <fmt/format.h>

#include "common/fault.h"
#include "common/journal/journal.h"
#include "common/rpc/channel.h"
#include "supervisor/control/door.h"

namespace smsd::control {
namespace {

constexpr unsigned mostConnections = 32;

/// SO_PEERCRED of the connection: who is at the other end.
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
      questions_(*this),
      glance_(subject_.queue, timer_, questions_),
      tasks_(*this) {
  tasks_.add(accept());
}

ControlServer::~ControlServer() noexcept(false) = default;

kj::Promise<void> ControlServer::accept() {
  return listener_->acceptAuthenticated().then(
      [this](kj::AuthenticatedStream peer) {
        if (connections_ < mostConnections) open(kj::mv(peer));
        return accept();
      },
      [this](kj::Exception&&) {
        // Out of descriptors, most likely: the door stays.
        return timer_.afterDelay(1 * kj::SECONDS).then([this]() { return accept(); });
      });
}

void ControlServer::open(kj::AuthenticatedStream peer) {
  ++connections_;
  auto uid = uidOf(peer);
  auto channel = rpc::Channel::serve(
      kj::mv(peer.stream), kj::heap<Door>(subject_, Door::Means{glance_, questions_, timer_, started_}, uid));
  auto over = channel->disconnected();
  tasks_.add(over.attach(kj::mv(channel), kj::defer([this]() { --connections_; })));
}

void ControlServer::taskFailed(kj::Exception&& exception) {
  if (exception.getType() == kj::Exception::Type::DISCONNECTED) return;
  journal::Entry(journal::Level::warning, fmt::format("control: {}", faultOf(exception))).write();
}

}  // namespace smsd::control
