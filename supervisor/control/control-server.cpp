#include "supervisor/control/control-server.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "common/fault.h"
#include "common/journal/journal.h"
#include "common/rpc/channel.h"
#include "supervisor/control/door.h"

namespace smsd::control {
namespace {

constexpr unsigned mostConnections = 32;

/// A socket file whose owner is gone is in the way of bind; one that answers belongs to a running smsd. The
/// caller holds the state directory's lock, so a file nobody listens on is left over.
void clearPath(const sockaddr_un& address) {
  kj::AutoCloseFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    throw CannotListen(fmt::format("{}: another smsd answers there; give this one its own `control.socket`",
                                   address.sun_path));
  if (errno == ECONNREFUSED) unlink(address.sun_path);
}

kj::AutoCloseFd listenAt(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.string().size() >= sizeof address.sun_path)
    throw CannotListen(fmt::format("{}: a socket's path has at most {} characters", path.string(),
                                   sizeof address.sun_path - 1));
  std::strcpy(address.sun_path, path.c_str());
  clearPath(address);
  kj::AutoCloseFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  mode_t before = umask(0117);  // 0660 from the first moment: the file's mode is the lock on the door
  int bound = bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  int error = errno;
  umask(before);
  if (bound != 0 || listen(fd.get(), 16) != 0)
    throw CannotListen(fmt::format(
        "{}: cannot listen there: {}; `control.socket` needs a folder that exists and can be written",
        path.string(), strerror(bound != 0 ? error : errno)));
  return fd;
}

/// SO_PEERCRED of the connection: who is at the other end.
std::optional<unsigned> uidOf(kj::AuthenticatedStream& peer) {
  if (auto* local = dynamic_cast<kj::LocalPeerIdentity*>(peer.peerIdentity.get()))
    KJ_IF_MAYBE (uid, local->getCredentials().uid) return *uid;
  return std::nullopt;
}

}  // namespace

ControlServer::ControlServer(kj::AsyncIoContext& io, const std::filesystem::path& socket, Subject subject)
    : timer_(io.provider->getTimer()),
      path_(socket),
      subject_(kj::mv(subject)),
      started_(timer_.now()),
      listener_(io.lowLevelProvider->wrapListenSocketFd(
          listenAt(socket),
          kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC | kj::LowLevelAsyncIoProvider::ALREADY_NONBLOCK)),
      questions_(*this),
      glance_(subject_.queue, timer_, questions_),
      tasks_(*this) {
  tasks_.add(accept());
}

ControlServer::~ControlServer() noexcept(false) { unlink(path_.c_str()); }

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
