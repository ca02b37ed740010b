// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/exporter/arguments.h"

#include <CLI/CLI.hpp>
#include <string>

#include "common/io/parse-exit.h"
#include "version.h"

namespace smsd::exporter {
namespace {

constexpr const char* defaultSocket = "/run/smsd/status/status.sock";
constexpr const char* footer =
    "Without --textfile it serves GET /metrics at the socket that systemd passes to it "
    "(smsd-exporter.socket).\n"
    "\n"
    "Exit status: 0 done, or told to end; 64 wrong arguments; 69 the socket for scrapes failed; 73 the text "
    "file\n"
    "cannot be written; 70 a fault of smsd-exporter; 78 the socket is not as expected, or the process cannot "
    "be\n"
    "locked in.\n"
    "\n"
    "smsd-exporter(8) describes each metric and each alert.";

}  // namespace

bool readOptions(int argc, char** argv, Options& options, int& status) {
  CLI::App app("Gives the state of smsd to Prometheus.", "smsd-exporter");
  std::string socket = defaultSocket, textfile;
  app.add_option("--socket", socket, "smsd's status.sock")->type_name("PATH")->capture_default_str();
  app.add_option("--textfile", textfile,
                 "write the metrics into this file once, for node_exporter's textfile collector, and exit")
      ->type_name("FILE");
  app.add_option("--host", options.hosts,
                 "answer requests for this host name, too; addresses, localhost and this host's name are "
                 "allowed already; may be repeated")
      ->type_name("NAME");
  app.add_flag("--list", options.list, "list the metrics and exit");
  app.add_flag("--unlocked", options.unlocked, "serve even if the kernel cannot lock this process in");
  app.footer(footer);
  app.set_version_flag("--version", "smsd-exporter " SMSD_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    status = io::exitStatusOf(app, e);
    return false;
  }
  options.socket = socket;
  if (app.count("--textfile") > 0) options.textfile = textfile;
  return true;
}

}  // namespace smsd::exporter
