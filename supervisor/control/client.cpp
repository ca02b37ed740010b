#include "supervisor/control/client.h"

#include <fmt/format.h>
#include <kj/io.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "common/fault.h"

namespace smsd::control {
namespace {

kj::AutoCloseFd connectTo(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.string().size() >= sizeof address.sun_path)
    throw Unreachable(Unreachable::Why::notRunning, path.string() + ": too long for a socket's path");
  std::strcpy(address.sun_path, path.c_str());
  kj::AutoCloseFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  if (errno == EACCES || errno == EPERM)
    throw Unreachable(Unreachable::Why::denied,
                      fmt::format("{}: permission denied; be root or a member of the socket's group for this",
                                  path.string()));
  throw Unreachable(
      Unreachable::Why::notRunning,
      fmt::format(
          "smsd is not running: nobody answers at {} ({}); `systemctl start smsd`, or `smsd --config FILE`",
          path.string(), strerror(errno)));
}

}  // namespace

std::string noAnswer(const kj::Exception& fault) {
  if (fault.getType() == kj::Exception::Type::DISCONNECTED)
    return "smsd ended the connection; its journal has the reason";
  return "smsd did not answer: " + faultOf(fault);
}

Client::Client(const std::filesystem::path& socket)
    : io_(kj::setupAsyncIo()),
      channel_(rpc::Channel::connect(io_.lowLevelProvider->wrapSocketFd(
          connectTo(socket), kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC))),
      control_(channel_->peer().castAs<proto::Control>()) {}

}  // namespace smsd::control
