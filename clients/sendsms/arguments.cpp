// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/sendsms/arguments.h"

#include <sysexits.h>

#include <CLI/CLI.hpp>

#include "common/io/parse-exit.h"
#include "version.h"

namespace smsd::sendsms {
namespace {

constexpr const char* footer =
    "sendsms [OPTIONS] NUMBER... TEXT, as of smstools3: puts an SMS into the queue of smsd.\n"
    "Without TEXT the text is read from standard input; without NUMBER, too, the numbers are\n"
    "in its first line. A word with a letter is a group of groups.yaml.\n"
    "\n"
    "Exit status: 0 all SMS are in the queue; 1 at least one is not, and standard error has\n"
    "the reason.\n"
    "\n"
    "sendsms(1) describes the numbers, and has examples for netdata, Checkmk, Icinga and\n"
    "Nagios.";

}  // namespace

bool readArguments(int argc, char** argv, SendsmsOptions& options, int& status) {
  CLI::App app("Sends an SMS through smsd, as a program of the group smsd-submit.", "sendsms");
  std::string socket;
  app.add_option("--socket", socket, "the socket")->type_name("FILE");
  app.footer(footer);
  app.set_version_flag("--version", "sendsms " SMSD_VERSION);
  app.prefix_command();
  // The options end at the first word. The parser would take a text that begins with a dash for one.
  int end = 1;
  while (end < argc && argv[end][0] == '-' && argv[end][1] != '\0') {
    const std::string_view option = argv[end];
    end += option == "--socket" && end + 1 < argc ? 2 : 1;
    if (option == "--") break;
  }
  try {
    app.parse(end, argv);
    if (const auto unknown = app.remaining(); !unknown.empty() && unknown.front() != "--")
      throw CLI::ExtrasError({unknown.front()});
  } catch (const CLI::ParseError& e) {
    status = io::exitStatusOf(app, e) == EX_OK ? EX_OK : 1;
    return false;
  }
  if (!socket.empty()) options.socket = socket;
  options.words.assign(argv + end, argv + argc);
  return true;
}

}  // namespace smsd::sendsms
