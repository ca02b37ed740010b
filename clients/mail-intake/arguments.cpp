// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/mail-intake/arguments.h"

#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>
#include <vector>

#include "common/io/option-values.h"
#include "common/io/parse-exit.h"
#include "version.h"

namespace smsd::mailintake {
namespace {

constexpr const char* footer =
    "It reads one mail from standard input, as pipe(8) of Postfix passes it, and submits its\n"
    "text over intake.sock.\n"
    "\n"
    "Exit status (sysexits.h): 0 the SMS are in the queue; 65 the mail is not as expected; 67\n"
    "there is no such group; 75 try again later, also for wrong arguments; 77 this user may\n"
    "not submit it.\n"
    "\n"
    "smsd-mail-intake(8) has the lines for Postfix.";

}  // namespace

bool readArguments(int argc, char** argv, FilterOptions& options, int& status) {
  CLI::App app("Takes a mail as an alert for smsd.", "smsd-mail-intake");
  std::string socket;
  app.add_option("--to", options.to,
                 "the number or the group, for example ${extension}; empty: the subject is `sms NUMBER`")
      ->type_name("NUMBER");
  app.add_option("--severity", options.severity, "1 is the most severe")
      ->transform(io::wholeNumber(1, 5))
      ->type_name("N");
  app.add_option("--socket", socket, "the socket")->type_name("FILE");
  app.add_flag("--unlocked", options.unlocked, "go on even if the kernel cannot lock this process in");
  app.footer(footer);
  app.set_version_flag("--version", "smsd-mail-intake " SMSD_VERSION);
  // An address without an extension makes `--to=` of `--to=${extension}`.
  std::vector<char*> arguments(argv, argv + argc);
  std::erase_if(arguments, [](const char* argument) { return std::string_view(argument) == "--to="; });
  try {
    app.parse(static_cast<int>(arguments.size()), arguments.data());
  } catch (const CLI::ParseError& e) {
    status = io::exitStatusOf(app, e) == EX_OK ? EX_OK : EX_TEMPFAIL;
    return false;
  }
  if (!socket.empty()) options.socket = socket;
  return true;
}

}  // namespace smsd::mailintake
