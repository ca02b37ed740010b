// SPDX-License-Identifier: GPL-3.0-or-later
// Connects to a Unix socket at a path, without waiting: it succeeds or fails at once.
#pragma once

#include <kj/async-io.h>
#include <kj/io.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace smsd::rpc {

/// Throws std::system_error with the reason alone.
inline kj::Own<kj::AsyncIoStream> connectTo(kj::LowLevelAsyncIoProvider& io,
                                            const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path)
    throw std::system_error(ENAMETOOLONG, std::generic_category());
  std::strcpy(address.sun_path, path.c_str());
  kj::AutoCloseFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0 || ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::system_error(errno, std::generic_category());
  return io.wrapSocketFd(kj::mv(fd), kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC |
                                         kj::LowLevelAsyncIoProvider::ALREADY_NONBLOCK);
}

}  // namespace smsd::rpc
