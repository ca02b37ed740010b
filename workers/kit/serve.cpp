// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/kit/serve.h"

#include <fmt/format.h>
#include <kj/async-unix.h>
#include <signal.h>
#include <sysexits.h>

#include <utility>

#include "common/fault.h"
#include "common/journal/journal.h"
#include "common/rpc/channel.h"
#include "common/sandbox/output.h"
#include "common/sandbox/sandbox.h"
#include "common/systemd/service.h"
#include "common/text/grouped.h"
#include "workers/kit/accept-supervisors.h"
#include "workers/kit/last-words.h"
#include "workers/kit/server.h"

namespace smsd::kit {
namespace {

// Time that the process needs to end after the last outcome.
constexpr Milliseconds lastSteps = std::chrono::seconds(5);
// How long a worker that cannot start waits for a call of lastWords(). A connected supervisor calls it at
// once, unless its version is older; another supervisor may connect soon.
constexpr auto lastWordsPatience = 2 * kj::SECONDS;
constexpr auto farewell = 100 * kj::MILLISECONDS;

/// The policy of the kind, and the parts of the lock that are in force because of it.
struct Locked {
  sandbox::Policy policy;
  std::vector<std::string> parts;
};

Locked lockIn(const ServeOptions& options, Dispatcher& dispatcher) {
  try {
    Locked locked{dispatcher.policy(), {}};
    sandbox::separateOutput();
    locked.parts = sandbox::lockIn(locked.policy);
    return locked;
  } catch (const std::exception& e) {
    auto* refused = dynamic_cast<const sandbox::LockFailed*>(&e);
    std::string why = faultOf(e);
    if (refused == nullptr && dynamic_cast<const Explained*>(&e) != nullptr) throw CannotServe(why);
    if (options.lock == Lock::required) throw CannotServe(fmt::format("will not serve unlocked: {}", why));
    journal::Entry(journal::Level::warning, fmt::format("{}: serves unlocked: {}", options.name, why))
        .write();
    return {};
  }
}

/// Starts the kind, then forbids the starting of further threads.
kj::Promise<void> start(Dispatcher& dispatcher, kj::AsyncIoContext& io, const Locked& locked) {
  auto started = dispatcher.start(io);
  sandbox::sealThreads(locked.policy);
  return started;
}

/// Resolves with an exit status when the kind cannot start, otherwise never.
kj::Promise<int> cannotStart(const ServeOptions& options, Server& server) {
  return server.started().then(
      []() -> kj::Promise<int> { return kj::NEVER_DONE; },
      [name = options.name, &server](kj::Exception&& e) -> kj::Promise<int> {
        journal::Entry(journal::Level::error, fmt::format("{}: cannot start: {}", name, faultOf(e))).write();
        server.sayLastWords(proto::Cause::CANNOT_START, fmt::format("cannot start: {}", faultOf(e)));
        return server.lastWordsTaken(lastWordsPatience).then([]() { return int(EX_UNAVAILABLE); });
      });
}

/// Resolves with an exit status when the worker has given up: a deadline has passed, or the kind is spent.
kj::Promise<int> hungOrSpent(Server& server) {
  return server.hung().then([&server]() { return server.lastWordsTaken(farewell); }).then([]() {
    return int(EX_TEMPFAIL);
  });
}

kj::Promise<int> toldToQuit(Server& server) {
  return server.toldToQuit().then([]() { return int(EX_OK); });
}

std::string statusLine(const Server& server, const char* now) {
  auto work = server.work();
  std::string broken = server.broken();
  return fmt::format("{}, {} under way, {} accepted", broken.empty() ? now : "broken: " + broken,
                     work.underWay, text::grouped(work.accepted));
}

}  // namespace

// Ignores SIGINT and SIGTERM, which a terminal or systemd sends to the whole process group: the supervisor
// drains its workers and then disconnects.
int serveSupervisor(const ServeOptions& options, int& channel, Dispatcher& dispatcher) {
  for (int ignored : {SIGINT, SIGHUP, SIGPIPE, SIGTERM}) signal(ignored, SIG_IGN);
  auto locked = lockIn(options, dispatcher);
  auto io = kj::setupAsyncIo();
  KJ_DEFER(dispatcher.stop());  // runs after everything declared below is destroyed
  auto owned = kj::heap<Server>(dispatcher, io.provider->getTimer(), std::move(locked.parts),
                                start(dispatcher, io, locked));
  Server& server = *owned;
  auto stream = io.lowLevelProvider->wrapSocketFd(
      std::exchange(channel, -1),
      kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP | kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC);
  auto hung = hungOrSpent(server);
  auto quit = toldToQuit(server);
  auto failed = cannotStart(options, server);
  auto connection = rpc::Channel::serve(kj::mv(stream), kj::mv(owned));
  return connection->disconnected()
      .then([]() { return int(EX_OK); })
      .exclusiveJoin(kj::mv(hung))
      .exclusiveJoin(kj::mv(quit))
      .exclusiveJoin(kj::mv(failed))
      .wait(io.waitScope);
}

int serveSocket(const ServeOptions& options, int& listener, std::vector<uid_t> welcome,
                Dispatcher& dispatcher) {
  kj::UnixEventPort::captureSignal(SIGTERM);
  for (int ignored : {SIGINT, SIGHUP, SIGPIPE}) signal(ignored, SIG_IGN);
  systemd::openNotifySocket();
  auto locked = lockIn(options, dispatcher);
  auto io = kj::setupAsyncIo();
  KJ_DEFER(dispatcher.stop());  // runs after everything declared below is destroyed
  auto owned = kj::heap<Server>(dispatcher, io.provider->getTimer(), std::move(locked.parts),
                                start(dispatcher, io, locked));
  Server& server = *owned;
  const char* now = "ready";
  systemd::Service service(
      io.provider->getTimer(), [&server]() { return server.alive(); },
      [&server, &now]() { return statusLine(server, now); });
  server.whenChanged([&service]() { service.changed(); });
  Visitors visitors(io.lowLevelProvider->wrapListenSocketFd(std::exchange(listener, -1),
                                                            kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP),
                    io.provider->getTimer(), std::move(welcome), server, kj::mv(owned));
  auto ready = server.started()
                   .then([&service]() { service.ready(); }, [](kj::Exception&&) {})
                   .eagerlyEvaluate(nullptr);
  auto told = io.unixEventPort.onSignal(SIGTERM).then([&](siginfo_t) {
    now = "stopping";
    service.stopping(server.longestEnd() + lastSteps);
    server.sayLastWords(proto::Cause::TOLD, "its unit was stopped or restarted");
    return server.finishUp().then([&server]() { return server.lastWordsTaken(farewell); }).then([]() {
      return int(EX_OK);
    });
  });
  auto failed = cannotStart(options, server);
  int status = told.exclusiveJoin(hungOrSpent(server))
                   .exclusiveJoin(toldToQuit(server))
                   .exclusiveJoin(visitors.failed().then([]() { return int(EX_OSERR); }))
                   .exclusiveJoin(kj::mv(failed))
                   .wait(io.waitScope);
  server.whenChanged([]() {});  // the server may outlive the service
  return status;
}

}  // namespace smsd::kit
