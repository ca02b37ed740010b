// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/systemd/service.h"

#include <fmt/format.h>
#include <kj/io.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "common/journal/journal.h"
#include "common/text/utf.h"

namespace smsd::systemd {
namespace {

constexpr std::size_t mostStatus = 400;
constexpr auto betweenLines = 1 * kj::SECONDS;

// Kept open, because sd_notify() would open a socket for each call, which a locked process cannot.
struct NotifySocket {
  kj::AutoCloseFd fd;
  sockaddr_un address{};
  socklen_t length = 0;
};
kj::Maybe<NotifySocket> opened;

void tell(const std::string& state) {
  KJ_IF_MAYBE (socket, opened)
    sendto(socket->fd.get(), state.data(), state.size(), MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&socket->address), socket->length);
  else
    sd_notify(0, state.c_str());
}

}  // namespace

void openNotifySocket() {
  const char* variable = std::getenv("NOTIFY_SOCKET");
  const std::string path = variable == nullptr ? "" : variable;
  NotifySocket socket;
  // Leave other addresses (the host of a virtual machine) to sd_notify().
  if ((!path.starts_with('/') && !path.starts_with('@')) || path.size() >= sizeof socket.address.sun_path)
    return;
  socket.fd = kj::AutoCloseFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (socket.fd.get() < 0) return;
  socket.address.sun_family = AF_UNIX;
  path.copy(socket.address.sun_path, path.size());
  if (path[0] == '@') socket.address.sun_path[0] = '\0';
  socket.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  opened = kj::mv(socket);
}

Service::Service(kj::Timer& timer, kj::Function<bool()> alive, kj::Function<std::string()> status)
    : timer_(timer),
      alive_(kj::mv(alive)),
      status_(kj::mv(status)),
      heard_(std::getenv("NOTIFY_SOCKET") != nullptr),
      tasks_(*this) {}

void Service::ready() {
  if (!heard_) return;
  tell("READY=1");
  bool first = !std::exchange(ready_, true);
  changed();
  std::uint64_t allowed = 0;
  if (!first || sd_watchdog_enabled(0, &allowed) <= 0) return;
  tell("WATCHDOG=1");
  tasks_.add(beat(static_cast<std::int64_t>(allowed / 2) * kj::MICROSECONDS));
}

void Service::changed() {
  if (!heard_ || !ready_) return;
  dirty_ = true;
  if (!waiting_) sayStatus();
}

void Service::sayStatus() {
  dirty_ = false;
  // Make it one line without control characters, because a line break would begin another assignment.
  std::string line = text::printable(status_(), mostStatus);
  if (line != said_) tell("STATUS=" + line);
  said_ = std::move(line);
  waiting_ = true;
  tasks_.add(timer_.afterDelay(betweenLines).then([this]() {
    waiting_ = false;
    if (dirty_) sayStatus();
  }));
}

void Service::reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  auto microseconds = static_cast<std::int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1'000;
  tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", microseconds));
}

void Service::stopping(std::chrono::milliseconds longest) {
  tell(fmt::format("STOPPING=1\nEXTEND_TIMEOUT_USEC={}", std::chrono::microseconds(longest).count()));
  changed();
}

kj::Promise<void> Service::beat(kj::Duration interval) {
  return timer_.afterDelay(interval).then([this, interval]() {
    if (alive_()) {
      tell("WATCHDOG=1");
      stuckSaid_ = false;
    } else if (!std::exchange(stuckSaid_, true)) {
      journal::Entry(
          journal::Level::error,
          "this program makes no progress: its watchdog notifications stop, so that systemd restarts it")
          .write();
    }
    return beat(interval);
  });
}

void Service::taskFailed(kj::Exception&& exception) { kj::throwFatalException(kj::mv(exception)); }

}  // namespace smsd::systemd
