// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/systemd/listener.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "common/text/utf.h"

namespace smsd::systemd {
namespace {

constexpr std::size_t mostName = 255;  // systemd's own bound for a descriptor's name

}  // namespace

bool wasHandedSockets() { return sd_listen_fds(0) != 0; }

int takeListener(const std::vector<std::string>& names, Listens listens) {
  char** handed = nullptr;
  int count = sd_listen_fds_with_names(1, &handed);
  std::string name = count > 0 && handed[0] != nullptr ? handed[0] : "";
  for (char** one = handed; count > 0 && *one != nullptr; ++one) std::free(*one);
  std::free(handed);
  if (count < 0)
    throw ListenerError(
        fmt::format("LISTEN_FDS and LISTEN_FDNAMES cannot be read ({}), expected one descriptor named {}",
                    std::strerror(-count), names.front()));
  if (count != 1)
    throw ListenerError(
        fmt::format("got {} descriptors from systemd, expected one listening socket named {}: its .socket "
                    "unit needs exactly one ListenStream=, and no other .socket unit may name this Service=",
                    count, names.front()));
  if (std::find(names.begin(), names.end(), name) == names.end())
    throw ListenerError(
        fmt::format("got a descriptor named {} from systemd, expected {}: did another .socket unit pass it? "
                    "The .socket unit needs FileDescriptorName={}",
                    text::printable(name, mostName), fmt::join(names, " or "), names.front()));
  if (listens == Listens::anywhere) {
    if (sd_is_socket(SD_LISTEN_FDS_START, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
      throw ListenerError(fmt::format("descriptor {} is not a listening stream socket", name));
    return SD_LISTEN_FDS_START;
  }
  if (sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, nullptr, 0) <= 0)
    throw ListenerError(fmt::format(
        "descriptor {} is not a listening Unix stream socket, expected ListenStream= with a path", name));
  return SD_LISTEN_FDS_START;
}

}  // namespace smsd::systemd
