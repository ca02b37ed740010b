// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsd/arguments.h"

#include <sysexits.h>

#include <CLI/CLI.hpp>

#include "version.h"

#include "common/io/parse-exit.h"

namespace smsd {
namespace {

/// Throws an error that CLI11 prints with the flag's name before it.
[[noreturn]] void refuse(const std::string& flag, const std::string& what) {
  throw CLI::ValidationError(flag, what);
}

void addOverride(CLI::App& app, const std::string& names, const std::string& flag, const std::string& type,
                 const std::string& help, config::Overrides& overrides) {
  app.add_option_function<std::string>(
         names,
         [&overrides, flag](const std::string& word) {
           if (const auto problem = config::setOverride(overrides, flag, word))
             refuse("--" + flag, "'" + word.substr(0, 40) + "': " + *problem);
         },
         help)
      ->type_name(type)
      ->group("In place of the configuration");
}

void addErrands(CLI::App& app, Arguments& a) {
  const auto chosen = [&a](Errand errand) { return [&a, errand](std::int64_t) { a.errand = errand; }; };
  const auto to = [&a](Errand errand) {
    return [&a, errand](const std::string& phone) {
      a.errand = errand;
      a.phone = phone;
    };
  };
  const std::string group = "Instead of running, once";
  auto* check =
      app.add_flag_function("--check", chosen(Errand::check),
                            "check the configuration and every dispatcher's file, start nothing, and exit");
  auto* cancel = app.add_flag_function("-c,--cancel", chosen(Errand::cancel),
                                       "mark all unsent messages as ignored, except those under way or held");
  auto* test = app.add_option_function<std::string>(
      "-t,--test", to(Errand::test),
      "send a test SMS to PHONE, past the queue, and say which dispatcher took it");
  auto* enqueue = app.add_option_function<std::string>(
      "-T,--TEST", to(Errand::enqueue),
      "put a test message to PHONE into the queue, for the account of --uid");
  auto* uid = app.add_option("-u,--uid", a.account, "the account that the message of --TEST belongs to")
                  ->check(CLI::Range(0, 2'147'483'647));
  auto* message = app.add_option("--message", a.text, "the text of the test message")->type_name("TEXT");
  for (auto* option : {test, enqueue}) option->type_name("PHONE");
  uid->type_name("UID")->needs(enqueue);
  enqueue->needs(uid);
  cancel->excludes(test)->excludes(enqueue)->excludes(check);
  test->excludes(enqueue)->excludes(check);
  enqueue->excludes(check);
  for (auto* option : {check, cancel, test, enqueue, uid, message}) option->group(group);
}

void describe(CLI::App& app, Arguments& a) {
  app.add_option("--config", a.config, "configuration file")->capture_default_str()->type_name("FILE");
  app.add_flag_function(
      "-f,--foreground", [](std::int64_t) {}, "accepted for NAV's sake: smsd always stays in the foreground");
  app.set_version_flag("--version", "smsd " SMSD_VERSION);
  addOverride(app, "-d,--delay", "delay", "SECONDS",
              "retry.delay: how long a recipient waits whose SMS nobody took; and queue.poll_interval",
              a.overrides);
  addOverride(app, "-D,--delayfactor", "delayfactor", "FACTOR",
              "retry.factor: how much longer each further wait is; a fraction is one, too", a.overrides);
  addOverride(app, "-m,--maxdelay", "maxdelay", "SECONDS", "retry.max_delay: no wait is longer", a.overrides);
  addOverride(app, "-l,--limit", "limit", "N", "retry.limit: rounds before --action decides; 0: never",
              a.overrides);
  addOverride(app, "-a,--action", "action", "ACTION",
              "retry.at_limit: 0 or ignore, the recipient's messages; 1 or shutdown, the daemon",
              a.overrides);
  addErrands(app, a);
  app.footer(
      "Exit status: 0 done, or ended when told to; 64 wrong arguments, 65 the queue did not take the "
      "message, 69 no\n"
      "dispatcher took an SMS (--test, or retry.at_limit: shutdown), 75 try again later (database or another "
      "smsd),\n"
      "77 not permitted, 78 configuration.\n"
      "See smsd(8), smsd.yaml(5), smsctl(1).");
}

}  // namespace

Parsed parseArguments(int argc, char** argv) {
  Parsed parsed;
  Arguments& a = parsed.arguments;
  CLI::App app("smsd sends the SMS that wait in the queue, each through the first dispatcher that takes it.",
               "smsd");
  describe(app, a);
  try {
    app.parse(argc, argv);
    if (app.count("--message") > 0 && app.count("--test") == 0 && app.count("--TEST") == 0)
      refuse("--message", "goes with --test or --TEST only");
  } catch (const CLI::ParseError& e) {
    parsed.exitStatus = io::exitStatusOf(app, e);
  }
  return parsed;
}

}  // namespace smsd
