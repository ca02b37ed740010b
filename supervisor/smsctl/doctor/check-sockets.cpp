// SPDX-License-Identifier: GPL-3.0-or-later
// The checks of sockets: who may connect, and whether a program listens.
#include <fmt/format.h>

#include <algorithm>

#include "supervisor/smsctl/doctor/checks.h"
#include "supervisor/smsctl/doctor/words.h"

namespace smsd::smsctl::doctor {
namespace {

void checkListening(const SocketFacts& socket, const DispatcherFacts& dispatcher, GroupResult& checked) {
  if (socket.hidden || (socket.there && socket.listening)) return;
  checked.findings.push_back(
      {"socket-missing", socket.path.string(),
       fmt::format("{}: {}", dispatcher.name,
                   socket.there ? "no program listens at this socket" : "there is no such socket"),
       fmt::format("systemctl restart {}.socket", unitOf(dispatcher))});
}

}  // namespace

GroupResult checkSockets(const Facts& facts) {
  GroupResult checked{"sockets"};
  for (const auto& socket : facts.sockets) {
    if (socket.hidden)
      checked.unchecked.push_back(
          {socket.path.string(), "this user may not look there", asRoot(facts, "doctor")});
    if (socket.there && (socket.mode & 0002) != 0)
      checked.findings.push_back({"socket-open", socket.path.string(),
                                  fmt::format("every user may connect to it (mode {:04o})", socket.mode),
                                  fmt::format("chmod o= {}", quoted(socket.path.string()))});
    const auto dispatcher = std::ranges::find(facts.dispatchers, socket.dispatcher, &DispatcherFacts::name);
    if (dispatcher != facts.dispatchers.end()) checkListening(socket, *dispatcher, checked);
  }
  checked.fine = counted(facts.sockets.size(), "socket");
  return checked;
}

}  // namespace smsd::smsctl::doctor
