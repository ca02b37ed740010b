#include "supervisor/control/control-server.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "common/journal/journal.h"
#include "common/rpc/channel.h"
#include "supervisor/control/status.h"

namespace smsd::control {
namespace {

constexpr unsigned mostConnections = 32;
constexpr std::uint64_t depthBound = 100'000;  // a glance counts no further
constexpr auto depthPatience = 2 * kj::SECONDS;

/// A socket file whose owner is gone is in the way of bind; one that answers belongs to a running smsd. The
/// caller holds the state directory's lock, so a file nobody listens on is left over.
void clearPath(const sockaddr_un& address) {
  kj::AutoCloseFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    throw std::runtime_error(fmt::format(
        "{}: another smsd answers there; give this one its own `control.socket`", address.sun_path));
  if (errno == ECONNREFUSED) unlink(address.sun_path);
}

kj::AutoCloseFd listenAt(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.string().size() >= sizeof address.sun_path)
    throw std::runtime_error(fmt::format("{}: a socket's path has at most {} characters", path.string(),
                                         sizeof address.sun_path - 1));
  std::strcpy(address.sun_path, path.c_str());
  clearPath(address);
  kj::AutoCloseFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  mode_t before = umask(0117);  // 0660 from the first moment: the file's mode is the lock on the door
  int bound = bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  int error = errno;
  umask(before);
  if (bound != 0 || listen(fd.get(), 16) != 0)
    throw std::runtime_error(fmt::format(
        "{}: cannot listen there: {}; `control.socket` needs a folder that exists and can be written",
        path.string(), strerror(bound != 0 ? error : errno)));
  return fd;
}

}  // namespace

class ControlServer::Door final : public proto::Control::Server {
 public:
  explicit Door(ControlServer& server) : server_(server) {}

 protected:
  kj::Promise<void> status(StatusContext context) override {
    return server_.timer_.timeoutAfter(depthPatience, server_.depth())
        .then([](std::optional<queue::Depth> depth) { return depth; },
              [](kj::Exception&&) -> std::optional<queue::Depth> { return std::nullopt; })
        .then([this, context](std::optional<queue::Depth> depth) mutable {
          writeStatus(context.getResults().initStatus(), server_.subject_.road, server_.subject_.backend,
                      server_.timer_.now() - server_.started_, depth);
        });
  }

  kj::Promise<void> nudge(NudgeContext) override {
    server_.subject_.road.notice();
    return kj::READY_NOW;
  }

  kj::Promise<void> stop(StopContext) override {
    server_.subject_.stop();
    return kj::READY_NOW;
  }

 private:
  ControlServer& server_;
};

ControlServer::ControlServer(kj::AsyncIoContext& io, const std::filesystem::path& socket, Subject subject)
    : timer_(io.provider->getTimer()),
      path_(socket),
      subject_(kj::mv(subject)),
      started_(timer_.now()),
      listener_(io.lowLevelProvider->wrapListenSocketFd(
          listenAt(socket),
          kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC | kj::LowLevelAsyncIoProvider::ALREADY_NONBLOCK)),
      tasks_(*this) {
  tasks_.add(accept());
}

/// One question at a time, shared by all who ask meanwhile, and never given up: to cancel a call on the queue's thread is to wait
/// for it.
kj::Promise<std::optional<queue::Depth>> ControlServer::depth() {
  KJ_IF_MAYBE (asked, asked_) return asked->addBranch();
  auto forked = subject_.queue.run([](queue::Queue& queue) { return queue.depth(depthBound); })
                    .then([](queue::Answer<queue::Depth> answer) -> std::optional<queue::Depth> {
                      if (auto* depth = std::get_if<queue::Depth>(&answer)) return *depth;
                      return std::nullopt;
                    })
                    .fork();
  tasks_.add(forked.addBranch().then([this](std::optional<queue::Depth>) { asked_ = nullptr; }));
  auto branch = forked.addBranch();
  asked_ = kj::mv(forked);
  return branch;
}

ControlServer::~ControlServer() noexcept(false) { unlink(path_.c_str()); }

kj::Promise<void> ControlServer::accept() {
  return listener_->accept().then([this](kj::Own<kj::AsyncIoStream> stream) {
    if (connections_ < mostConnections) {
      ++connections_;
      auto channel = rpc::Channel::serve(kj::mv(stream), kj::heap<Door>(*this));
      auto over = channel->disconnected();
      tasks_.add(over.attach(kj::mv(channel), kj::defer([this]() { --connections_; })));
    }
    return accept();
  }, [this](kj::Exception&&) {
    // Out of descriptors, most likely: the door stays.
    return timer_.afterDelay(1 * kj::SECONDS).then([this]() { return accept(); });
  });
}

void ControlServer::taskFailed(kj::Exception&& exception) {
  if (exception.getType() == kj::Exception::Type::DISCONNECTED) return;
  journal::Entry(journal::Level::warning, fmt::format("control: {}", exception.getDescription().cStr()))
      .write();
}

}  // namespace smsd::control
