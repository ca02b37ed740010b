// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/link.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace smsd::keeper {
namespace {

constexpr int channelNumber = 3;  // descriptor numbers in the child
constexpr int configNumber = 4;
constexpr auto flags =
    kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC | kj::LowLevelAsyncIoProvider::ALREADY_NONBLOCK;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

class SpawnLink final : public Link {
 public:
  SpawnLink(kj::AsyncIoContext& io, const SpawnPlan& plan) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) fail("socketpair");
    kj::AutoCloseFd ours(pair[0]), theirs(pair[1]);
    Command command = configuredCommand(plan);
    command.arguments.insert(command.arguments.end(), {"--channel-fd", std::to_string(channelNumber)});
    command.descriptors.emplace_back(theirs.get(), channelNumber);
    command.folder = plan.folder;
    process_ = kj::heap<Process>(io.unixEventPort, command);
    stream_ = io.lowLevelProvider->wrapSocketFd(kj::mv(ours), flags);
  }

  kj::Own<kj::AsyncIoStream> stream() override { return kj::mv(stream_); }
  int pid() const override { return process_->pid(); }
  kj::Promise<LinkEnd> ended() override {
    return process_->ended().then([](ProcessEnd end) { return LinkEnd{end.words(), end.clean(), ""}; });
  }
  void end() override { process_->kill(SIGKILL); }
  // A worker that gives up closes the connection first and exits a moment later. Its exit status explains
  // more than our own reason.
  kj::Duration patience() const override { return 1 * kj::SECONDS; }

 private:
  kj::Own<Process> process_;
  kj::Own<kj::AsyncIoStream> stream_;
};

/// Throws unless root (systemd) or our own user listens on the socket; SO_PEERCRED has the user that called
/// listen(). Any other user put the socket there to receive numbers and texts.
void checkListener(int fd, const std::string& path) {
  ucred listener{};
  socklen_t size = sizeof listener;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &listener, &size) != 0) fail("SO_PEERCRED of " + path);
  if (listener.uid == 0 || listener.uid == geteuid()) return;
  errno = EPERM;
  fail(
      fmt::format("the process that listens at {} has uid {}, which is neither root (systemd) nor smsd's own",
                  path, listener.uid));
}

class SocketLink final : public Link {
 public:
  SocketLink(kj::AsyncIoContext& io, const std::filesystem::path& socket, const std::string& unit)
      : unit_(unit) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket.native().size() >= sizeof address.sun_path) {
      errno = ENAMETOOLONG;
      fail(socket.string());
    }
    std::strcpy(address.sun_path, socket.c_str());
    kj::AutoCloseFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd.get() < 0) fail("socket");
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      fail(fmt::format("no program listens at {} (`systemctl status {}.socket`)", socket.string(), unit));
    checkListener(fd.get(), socket.string());
    stream_ = io.lowLevelProvider->wrapSocketFd(kj::mv(fd), flags);
  }

  kj::Own<kj::AsyncIoStream> stream() override { return kj::mv(stream_); }
  int pid() const override { return 0; }
  kj::Promise<LinkEnd> ended() override { return kj::mv(over_.promise); }
  void end() override {
    over_.fulfiller->fulfill(LinkEnd{"", false, fmt::format("`journalctl -u {}`", unit_)});
  }
  kj::Duration patience() const override { return 0 * kj::SECONDS; }

 private:
  std::string unit_;
  kj::Own<kj::AsyncIoStream> stream_;
  kj::PromiseFulfillerPair<LinkEnd> over_ = kj::newPromiseAndFulfiller<LinkEnd>();
};

}  // namespace

Command configuredCommand(const SpawnPlan& plan) {
  // All readers share the offset of the descriptor. Each has read the file long before the next one is
  // started.
  if (lseek(plan.content->get(), 0, SEEK_SET) != 0) fail(plan.config.string());
  return {.program = plan.program,
          .arguments = {"--name", plan.name, "--config-name", plan.config.string(), "--config-fd",
                        std::to_string(configNumber)},
          .descriptors = {{plan.content->get(), configNumber}},
          .folder = {}};
}

std::string unitOf(const std::string& kind, const std::string& name) {
  return fmt::format("smsd-{}@{}", kind, name);
}

kj::Own<Link> spawnLink(kj::AsyncIoContext& io, const SpawnPlan& plan) {
  return kj::heap<SpawnLink>(io, plan);
}

kj::Own<Link> socketLink(kj::AsyncIoContext& io, const std::filesystem::path& socket,
                         const std::string& unit) {
  return kj::heap<SocketLink>(io, socket, unit);
}

}  // namespace smsd::keeper
