// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/intake/serve.h"

#include <fmt/format.h>
#include <kj/async-unix.h>
#include <signal.h>
#include <sysexits.h>

#include <ctime>

#include "clients/intake/door.h"
#include "clients/intake/intake-metrics.h"
#include "clients/intake/submitter.h"
#include "clients/program/program.h"
#include "common/fault.h"
#include "common/http/bounded-server.h"
#include "common/journal/journal.h"
#include "common/rpc/connect.h"
#include "common/systemd/service.h"

namespace smsd::webintake {
namespace {

constexpr unsigned mostConnections = 256;
constexpr auto stopTime = 5 * kj::SECONDS;  // for the answers to requests that are there
// Measured: 40 MiB with a webhook of 10,000 alerts.
constexpr std::uint64_t mostMemory = 192 << 20;

/// Writes an entry when the connection to smsd is lost and when there is one again, not for each request.
class ConnectionWatch {
 public:
  /// Returns whether the state has changed.
  bool saw(const std::string& away) {
    if (away == away_) return false;
    if (away.empty())
      journal::Entry(journal::Level::notice, "smsd can be reached again").write();
    else if (away_.empty())
      journal::Entry(journal::Level::warning, fmt::format("smsd cannot be reached: {}", away)).write();
    away_ = away;
    return true;
  }
  std::string words() const {
    return away_.empty() ? "serves" : "serves, but smsd cannot be reached: " + away_;
  }

 private:
  std::string away_;
};

}  // namespace

int serve(const IntakeOptions& options, const IntakeSettings& settings) {
  signal(SIGPIPE, SIG_IGN);
  const int socket = program::takeListener("smsd-intake");
  systemd::openNotifySocket();
  sandbox::Policy policy;
  policy.unixSockets = sandbox::UnixSockets::connect;
  policy.openFiles = mostConnections + 64;
  policy.memory = mostMemory;
  program::lockIn(policy, options.unlocked ? program::ClientLock::wanted : program::ClientLock::required);
  kj::UnixEventPort::captureSignal(SIGTERM);
  kj::UnixEventPort::captureSignal(SIGINT);
  auto io = kj::setupAsyncIo();
  auto& timer = io.provider->getTimer();
  Submitter smsd(
      timer, [&]() { return rpc::Channel::connect(rpc::connectTo(*io.lowLevelProvider, settings.socket)); });
  kj::HttpHeaderTable::Builder builder;
  const DoorHeaders headers(builder);
  const auto table = builder.build();
  kj::Maybe<http::BoundedServer&> counted;
  HttpDoor door(timer, headers, settings, smsd, [&](const IntakeCounts& counts) {
    return textOf({counts, KJ_ASSERT_NONNULL(counted).counts(), smsd.away().empty(), smsd.repeated()});
  });
  http::BoundedServer server(timer, *table, door, {.connections = mostConnections, .leftBody = 64 * 1024});
  counted = server;
  ConnectionWatch state;
  systemd::Service service(
      timer, []() { return true; }, [&state]() { return state.words(); });
  smsd.watch([&]() {
    if (state.saw(smsd.away())) service.changed();
  });
  auto receiver = io.lowLevelProvider->wrapListenSocketFd(
      socket, kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP | kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC);
  service.ready();
  auto told = io.unixEventPort.onSignal(SIGTERM)
                  .exclusiveJoin(io.unixEventPort.onSignal(SIGINT))
                  .then([&](siginfo_t) {
                    service.stopping(std::chrono::seconds(stopTime / kj::SECONDS));
                    return timer.timeoutAfter(stopTime, server.drain()).then([]() {}, [](kj::Exception&&) {});
                  });
  return server.serve(*receiver)
      .then([]() { return int(EX_UNAVAILABLE); },
            [](kj::Exception&& fault) {
              journal::Entry(journal::Level::error, "the socket for requests failed: " + faultOf(fault))
                  .write();
              return int(EX_UNAVAILABLE);
            })
      .exclusiveJoin(told.then([]() { return int(EX_OK); }))
      .wait(io.waitScope);
}

}  // namespace smsd::webintake
