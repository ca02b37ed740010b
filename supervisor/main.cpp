// smsd: arguments, configuration, checks, and then the daemon. Everything that can be wrong is said before
// anything is started.
#include <fmt/format.h>
#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <signal.h>
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "common/journal/journal.h"
#include "supervisor/daemon.h"
#include "supervisor/start-up.h"
#include "version.h"

namespace {

struct Arguments {
  std::string config = "/etc/smsd/smsd.yaml";
  bool check = false;
  bool foreground = false;
};

void describeArguments(CLI::App& app, Arguments& arguments) {
  app.add_option("--config", arguments.config, "configuration file")
      ->capture_default_str()
      ->type_name("FILE");
  app.add_flag("--check", arguments.check,
               "check the configuration and every dispatcher's file, start nothing, and exit");
  app.add_flag("-f,--foreground", arguments.foreground,
               "accepted for NAV's sake: smsd always stays in the foreground");
  app.set_version_flag("--version", "smsd " SMSD_VERSION);
  app.footer(
      "Exit status: 0 ended when told to, 64 wrong arguments, 69 no dispatcher took an SMS (retry.at_limit: "
      "shutdown),\n"
      "75 try again later (database or another smsd), 77 the database refused us, 78 configuration.\n"
      "See smsd(8), smsd.yaml(5), smsctl(1).");
}

int run(const Arguments& arguments) {
  auto read = smsd::readConfig(arguments.config, smsd::Reach::dispatcherFiles);
  if (!read.problems.empty()) throw smsd::StartUpError(EX_CONFIG, smsd::config::describe(read.problems));
  auto plans = smsd::planWorkers(read.config);

  // Before any thread is started: the queue's thread inherits the blocked signals.
  kj::UnixEventPort::captureSignal(SIGTERM);
  kj::UnixEventPort::captureSignal(SIGINT);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);  // there is no reload yet; the default would end us with work under way
  auto io = kj::setupAsyncIo();
  auto instance = arguments.check ? smsd::Instance{} : smsd::takeInstance(read.config.stateDirectory);
  smsd::checkDispatchers(io, plans);
  if (arguments.check) {
    std::cout << fmt::format("{}: good, {} dispatcher{}\n", arguments.config, plans.size(),
                             plans.size() == 1 ? "" : "s");
    return EX_OK;
  }
  return smsd::runDaemon(io, read.config, instance.name, std::move(plans));
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("smsd sends the SMS that wait in the queue, each through the first dispatcher that takes it.",
               "smsd");
  describeArguments(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? EX_OK : EX_USAGE;
  }
  smsd::journal::open("smsd");
  try {
    return run(arguments);
  } catch (const smsd::StartUpError& e) {
    std::cerr << e.what();
    return e.status();
  } catch (const kj::Exception& e) {
    smsd::journal::Entry(smsd::journal::Level::error,
                         fmt::format("ended by a fault of its own: {}", e.getDescription().cStr()))
        .write();
  } catch (const std::exception& e) {
    smsd::journal::Entry(smsd::journal::Level::error, fmt::format("ended: {}", e.what())).write();
  }
  return EX_SOFTWARE;
}
