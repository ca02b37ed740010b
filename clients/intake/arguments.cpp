// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/intake/arguments.h"

#include <CLI/CLI.hpp>
#include <string>

#include "common/io/parse-exit.h"
#include "version.h"

namespace smsd::webintake {
namespace {

constexpr const char* footer =
    "It serves HTTP at the socket that systemd passes to it (smsd-intake.socket), and submits\n"
    "the alerts over intake.sock.\n"
    "\n"
    "Exit status: 0 done, or told to end; 64 wrong arguments; 69 the socket for requests\n"
    "failed; 70 a fault of smsd-intake; 78 the configuration or the socket is not as\n"
    "expected, or the process cannot be locked in.\n"
    "\n"
    "smsd-intake(8) describes each key, and has an example for each client.";

}  // namespace

bool readOptions(int argc, char** argv, IntakeOptions& options, int& status) {
  CLI::App app("Takes alerts over HTTP for smsd.", "smsd-intake");
  std::string config;
  app.add_option("--config", config, "the configuration; without it the credential `config` of the unit")
      ->type_name("FILE");
  app.add_option("--config-name", options.configName, "the name of the configuration in messages")
      ->type_name("FILE");
  app.add_flag("--check", options.check, "check the configuration and exit");
  app.add_flag("--explain", options.explain, "list the configuration keys and exit");
  app.add_flag("--json", options.json, "with --explain: as JSON");
  app.add_flag("--list", options.list, "list the metrics and exit");
  app.add_flag("--unlocked", options.unlocked, "serve even if the kernel cannot lock this process in");
  app.footer(footer);
  app.set_version_flag("--version", "smsd-intake " SMSD_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    status = io::exitStatusOf(app, e);
    return false;
  }
  options.config = config;
  return true;
}

}  // namespace smsd::webintake
