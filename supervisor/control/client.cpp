// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/client.h"

#include <fmt/format.h>
#include <grp.h>
#include <kj/io.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "common/fault.h"
#include "supervisor/config/config.h"

namespace smsd::control {
namespace {

constexpr auto answersWithin = 1 * kj::SECONDS;
constexpr auto pauseBetweenTries = 50 * kj::MILLISECONDS;

/// Returns who may use the socket: by its group or, if this user may not even look at it, by that of the
/// folder that is closed. Recommends no membership in smsd's own group, which reads the gateways' passwords.
std::string allowedUsers(std::filesystem::path path) {
  struct stat status {};
  while (stat(path.c_str(), &status) != 0 && path.has_relative_path()) path = path.parent_path();
  const group* found = path.has_relative_path() ? getgrgid(status.st_gid) : nullptr;
  if (found == nullptr || found->gr_gid == 0) return "as root or as a member of the socket's group";
  const passwd* owner = getpwuid(status.st_uid);
  if (owner != nullptr && owner->pw_gid == found->gr_gid)
    return fmt::format(
        "as root; operators without root need the socket in its default folder, which "
        "`systemd-sysusers && systemd-tmpfiles --create` makes, and not the group {}, which reads "
        "the gateways' passwords",
        found->gr_name);
  return fmt::format("as root or as a member of the group {} (`usermod -aG {} USER`)", found->gr_name,
                     found->gr_name);
}

/// Translates an error of connect(). Only a missing socket, or one on which no process listens, proves that
/// no daemon runs.
Unreachable unreachable(const std::filesystem::path& path, int error, kj::Duration patience) {
  switch (error) {
    case ENOENT:
    case ECONNREFUSED:
      return {Unreachable::Why::notRunning,
              fmt::format(
                  "smsd is not running: no program listens at {} ({}); run `systemctl start smsd`, or `smsd "
                  "--config FILE`",
                  path.string(), strerror(error))};
    case EACCES:
    case EPERM:
      return {Unreachable::Why::denied,
              fmt::format("{}: permission denied; run this {}", path.string(), allowedUsers(path))};
    case EAGAIN:
    case ETIMEDOUT:
      return {Unreachable::Why::inDoubt,
              fmt::format("{}: smsd did not accept a connection within {:g} seconds: it hangs, or too many "
                          "clients wait; try again, and if this does not help, see `systemctl status smsd`",
                          path.string(), static_cast<double>(patience / kj::MILLISECONDS) / 1000),
              error};
    default:
      return {Unreachable::Why::inDoubt,
              fmt::format("{}: cannot connect ({}), so smsd may be running or not; remove the cause and try "
                          "again, or name another path as `control.socket`",
                          path.string(), strerror(error))};
  }
}

kj::AutoCloseFd connectAt(const std::filesystem::path& path, kj::Duration patience) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.string().size() >= sizeof address.sun_path) throw unreachable(path, ENAMETOOLONG, patience);
  std::strcpy(address.sun_path, path.c_str());
  kj::AutoCloseFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) throw unreachable(path, errno, patience);
  // Bounds connect(), which waits while the backlog of the socket is full.
  const timeval bound{patience / kj::SECONDS, patience % kj::SECONDS / kj::MICROSECONDS};
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw unreachable(path, errno, patience);
  return fd;
}

/// Connects at the first of the daemon's possible paths at which a process listens.
kj::AutoCloseFd connectTo(const std::filesystem::path& path, kj::Duration patience) {
  std::optional<Unreachable> first;
  for (const auto& place : config::placesOf(path)) {
    try {
      return connectAt(place, patience);
    } catch (const Unreachable& error) {
      if (error.why() != Unreachable::Why::notRunning) throw;
      if (!first) first = error;
    }
  }
  throw *first;
}

int listenerOf(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

/// The loop needs descriptors. If there are none, the daemon has no part in that.
kj::AsyncIoContext openLoop(const std::filesystem::path& path) {
  try {
    return kj::setupAsyncIo();
  } catch (const kj::Exception&) {
    throw Unreachable(
        Unreachable::Why::inDoubt,
        fmt::format("{}: cannot connect, because this process has no free descriptor (ulimit -n) "
                    "or memory; raise the limit, or try again",
                    path.string()));
  }
}

}  // namespace

std::optional<queue::QueueError> queueError(proto::QueueFault fault, capnp::Text::Reader problem) {
  using Kind = queue::QueueError::Kind;
  const auto error = [&problem](Kind kind) { return queue::QueueError(kind, problem.cStr()); };
  switch (fault) {
    case proto::QueueFault::NONE:
      return std::nullopt;
    case proto::QueueFault::UNREACHABLE:
      return error(Kind::unreachable);
    case proto::QueueFault::DENIED:
      return error(Kind::denied);
    case proto::QueueFault::NOT_INSTALLED:
      return error(Kind::notInstalled);
    case proto::QueueFault::INVALID:
      return error(Kind::invalid);
    case proto::QueueFault::FAILED:
      break;
  }
  return error(Kind::failed);  // also for a fault of a later version
}

std::string noAnswer(const kj::Exception& fault) {
  if (fault.getType() == kj::Exception::Type::DISCONNECTED)
    return "smsd ended the connection; its journal has the reason";
  if (fault.getType() == kj::Exception::Type::UNIMPLEMENTED)
    return "smsd is of an older version than smsctl and does not know this command: restart smsd, so that "
           "the "
           "newer one runs";
  if (fault.getType() == kj::Exception::Type::OVERLOADED)
    return "smsd did not answer in time: it hangs, or is very busy; see `smsctl status`";
  return "smsd did not answer: " + faultOf(fault);
}

Client::Client(const std::filesystem::path& socket, kj::Duration patience)
    : io_(openLoop(socket)), control_(nullptr) {
  auto& timer = io_.provider->getTimer();
  const auto giveUp = timer.now() + patience;
  while (!connect(socket, patience) && timer.now() < giveUp)
    timer.afterDelay(pauseBetweenTries).wait(io_.waitScope);
}

/// Returns false if the daemon closed the connection before any call, because it has no place for it now. A
/// daemon that hangs leaves the connection as it is, and the first call finds that out.
bool Client::connect(const std::filesystem::path& socket, kj::Duration patience) {
  kj::AutoCloseFd fd = connectTo(socket, patience);
  pid_ = listenerOf(fd);
  channel_ = rpc::Channel::connect(
      io_.lowLevelProvider->wrapSocketFd(kj::mv(fd), kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC));
  control_ = channel_->peer().castAs<proto::Control>();
  enum class Answer { given, none, closed };
  const Answer answer = control_.whenResolved()
                            .then([]() { return Answer::given; })
                            .exclusiveJoin(io_.provider->getTimer().afterDelay(answersWithin).then([]() {
                              return Answer::none;
                            }))
                            .catch_([](kj::Exception&&) { return Answer::closed; })
                            .wait(io_.waitScope);
  heard_ = answer == Answer::given;
  return answer != Answer::closed;
}

}  // namespace smsd::control
