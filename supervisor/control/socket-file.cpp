// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/socket-file.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace smsd::control {
namespace {

// Connections that wait to be accepted. Further ones wait in connect().
constexpr int backlog = 128;

/// Removes a left-over socket, which would make bind() fail. If a connection succeeds, or would have to wait
/// (EAGAIN), the socket belongs to a running smsd and stays. If it is refused, the socket is left over,
/// because the caller holds the lock of the state directory. connect() also refuses a file that is no socket,
/// so that is checked first, and such a file stays.
void clearPath(const sockaddr_un& address) {
  struct stat status {};
  if (lstat(address.sun_path, &status) != 0) return;
  if (!S_ISSOCK(status.st_mode))
    throw CannotListen(
        fmt::format("{}: found a file that is not a socket, which smsd does not remove; name another path as "
                    "`control.socket`",
                    address.sun_path));
  kj::AutoCloseFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
      errno == EAGAIN)
    throw CannotListen(fmt::format("{}: another smsd listens there; give this one its own `control.socket`",
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
  mode_t before = umask(0117);  // 0660 from the first moment, because the mode decides who may connect
  int bound = bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  int error = errno;
  umask(before);
  if (bound != 0 || listen(fd.get(), backlog) != 0)
    throw CannotListen(fmt::format(
        "{}: cannot listen there: {}; `control.socket` needs a folder that exists and can be written",
        path.string(), strerror(bound != 0 ? error : errno)));
  return fd;
}

}  // namespace

SocketFile::SocketFile(const std::filesystem::path& path) : path_(path), listener_(listenAt(path)) {
  struct stat status {};
  if (lstat(path_.c_str(), &status) != 0) return;
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

SocketFile::~SocketFile() {
  struct stat status {};
  if (lstat(path_.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  if (status.st_dev == device_ && status.st_ino == inode_) unlink(path_.c_str());
}

}  // namespace smsd::control
