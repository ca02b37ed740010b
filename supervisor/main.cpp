// smsd: arguments, configuration, checks, and then the daemon, or one errand. Everything that can be wrong is
// said before anything is started.
#include <fmt/format.h>
#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <signal.h>
#include <sysexits.h>

#include <iostream>

#include "common/journal/journal.h"
#include "supervisor/arguments.h"
#include "supervisor/daemon.h"
#include "supervisor/errands.h"
#include "supervisor/start-up.h"
#include "version.h"

namespace {

using namespace smsd;

/// Before any thread is started: the queue's thread inherits the blocked signals.
void holdSignals() {
  kj::UnixEventPort::captureSignal(SIGTERM);
  kj::UnixEventPort::captureSignal(SIGINT);
  kj::UnixEventPort::captureSignal(SIGHUP);
  signal(SIGPIPE, SIG_IGN);
}

/// The dispatchers', and that of mail to the administrators.
void checkAll(kj::AsyncIoContext& io, const Config& config, std::vector<keeper::SpawnPlan> plans) {
  if (config.adminMail.enabled()) plans.push_back(planAdminMail(config));
  checkDispatchers(io, plans);
}

int check(const Arguments& arguments, const Config& config, const std::vector<keeper::SpawnPlan>& plans) {
  auto io = kj::setupAsyncIo();
  checkAll(io, config, plans);
  std::cout << fmt::format("{}: good, {} dispatcher{}\n", arguments.config, plans.size(),
                           plans.size() == 1 ? "" : "s");
  return EX_OK;
}

int live(const Arguments& arguments) {
  const Config config = usableConfig(arguments, Reach::dispatcherFiles);
  auto plans = planWorkers(config);
  holdSignals();
  if (arguments.errand == Errand::check) return check(arguments, config, plans);
  auto io = kj::setupAsyncIo();
  auto instance = takeInstance(config.stateDirectory);
  checkAll(io, config, plans);
  return runDaemon(io, config, instance.name, std::move(plans), [&arguments]() {
    return readConfig(arguments.config, Reach::dispatcherFiles, arguments.overrides);
  });
}

int run(const Arguments& arguments) {
  switch (arguments.errand) {
    case Errand::none:
    case Errand::check:
      return live(arguments);
    case Errand::cancel:
      return cancelAll(arguments);
    case Errand::test:
      holdSignals();
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
  try {
    return run(arguments);
  } catch (const StartUpError& e) {
    std::cerr << e.what();
    return e.status();
  } catch (const kj::Exception& e) {
    journal::Entry(journal::Level::error,
                   fmt::format("ended by a fault of its own: {}", e.getDescription().cStr()))
        .write();
  } catch (const std::exception& e) {
    journal::Entry(journal::Level::error, fmt::format("ended: {}", e.what())).write();
  }
  return EX_SOFTWARE;
}
