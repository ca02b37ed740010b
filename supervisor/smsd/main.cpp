// SPDX-License-Identifier: GPL-3.0-or-later
// smsd: arguments, configuration, checks, and then the daemon or one errand. All errors are reported before
// anything is started.
#include <fmt/format.h>
#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <signal.h>
#include <sysexits.h>

#include "common/fault.h"
#include "common/io/output.h"
#include "common/journal/journal.h"
#include "common/sandbox/sandbox.h"
#include "supervisor/config/configured-queue.h"
#include "supervisor/control/control-server.h"
#include "supervisor/smsd/arguments.h"
#include "supervisor/smsd/daemon.h"
#include "supervisor/smsd/one-shot.h"
#include "supervisor/startup/exit-status.h"
#include "supervisor/startup/start-up.h"
#include "version.h"

namespace {

using namespace smsd;

/// Called for the daemon alone: an errand ends by a signal as any command does, and the kernel ends its
/// workers. Called before any thread is started, because the queue's thread inherits the blocked signals.
void blockSignals() {
  kj::UnixEventPort::captureSignal(SIGTERM);
  kj::UnixEventPort::captureSignal(SIGINT);
  kj::UnixEventPort::captureSignal(SIGHUP);
}

/// Resolves at the first SIGTERM or SIGINT, also if it came before this call.
kj::Promise<void> toldToEnd(kj::UnixEventPort& port) {
  return port.onSignal(SIGTERM).ignoreResult().exclusiveJoin(port.onSignal(SIGINT).ignoreResult());
}

int endedEarly() {
  journal::Entry(journal::Level::notice, "stopped on request before it had started").write();
  return EX_OK;
}

/// Before anything else is started: a queue of the administrator's own that smsd refuses.
void checkQueue(const config::Config& config) {
  try {
    config::checkQueueObject(config);
  } catch (const queue::QueueError& e) {
    throw startup::StartUpError(startup::exitStatus(e), std::string(e.what()) + "\n");
  }
}

int check(const Arguments& arguments) {
  const config::Config config = usableConfig(arguments, config::Reach::dispatcherFiles);
  checkQueue(config);
  auto io = kj::setupAsyncIo();
  io::print(startup::checkAll(io, config));
  io::print(fmt::format("{}: good, {} dispatcher{}\n", arguments.config, config.dispatchers.size(),
                        config.dispatchers.size() == 1 ? "" : "s"));
  return EX_OK;
}

int live(const Arguments& arguments) {
  blockSignals();
  const config::Config config = usableConfig(arguments, config::Reach::dispatcherFiles);
  checkQueue(config);
  auto plans = startup::planWorkers(config);
  auto io = kj::setupAsyncIo();
  auto told = toldToEnd(io.unixEventPort).fork();
  auto instance = startup::takeInstance(config.stateDirectory);
  if (startup::checkDispatchersUnless(told.addBranch(), io, startup::withAdminMail(config, plans)) ==
      startup::Checked::toldToEnd)
    return endedEarly();
  return runDaemon(io, told, config, instance.name, std::move(plans), [&arguments]() {
    return config::readConfig(arguments.config, config::Reach::dispatcherFiles, arguments.overrides);
  });
}

int run(const Arguments& arguments) {
  switch (arguments.errand) {
    case Errand::none:
      return live(arguments);
    case Errand::check:
      return check(arguments);
    case Errand::cancel:
      return cancelAll(arguments);
    case Errand::test:
      return sendTest(arguments);
    case Errand::enqueue:
      return enqueueTest(arguments);
  }
  return EX_SOFTWARE;
}

}  // namespace

int main(int argc, char** argv) {
  auto [arguments, exitStatus] = parseArguments(argc, argv);
  if (exitStatus) return *exitStatus;
  journal::open("smsd");
  signal(SIGPIPE, SIG_IGN);
  try {
    sandbox::keepPrivate();  // smsd reads secrets, which a reload compares
    return run(arguments);
  } catch (const startup::StartUpError& e) {
    io::complainAs("smsd", e.what());
    return e.status();
  } catch (const control::CannotListen& e) {
    journal::Entry(journal::Level::error, fmt::format("ended: {}", e.what())).write();
  } catch (const queue::QueueError& e) {
    journal::Entry(journal::Level::error, fmt::format("ended: {}", e.what())).write();
  } catch (const kj::Exception& e) {
    journal::Entry(journal::Level::error, fmt::format("ended: {}", faultOf(e))).write();
  } catch (const std::exception& e) {
    journal::Entry(journal::Level::error, fmt::format("ended: {}", faultOf(e))).write();
  }
  return EX_SOFTWARE;
}
