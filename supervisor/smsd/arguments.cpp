// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsd/arguments.h"

#include <sysexits.h>

#include <CLI/CLI.hpp>

#include "common/io/option-values.h"
#include "common/io/parse-exit.h"
#include "version.h"

namespace smsd {
namespace {

/// Throws an error that is printed with the flag's name before it.
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
      ->group("Options that override the configuration");
}

void addErrands(CLI::App& app, Arguments& a) {
  const auto chosen = [&a](Errand errand) { return [&a, errand](std::int64_t) { a.errand = errand; }; };
  const auto to = [&a](Errand errand) {
    return [&a, errand](const std::string& phone) {
      a.errand = errand;
      a.phone = phone;
    };
  };
  const std::string group = "Options that do one thing and exit";
  auto* check =
      app.add_flag_function("--check", chosen(Errand::check),
                            "check the configuration and every dispatcher's file, start nothing, and exit");
  auto* cancel = app.add_flag_function("-c,--cancel", chosen(Errand::cancel),
                                       "mark all unsent messages as ignored, except those under way or held");
  auto* test = app.add_option_function<std::string>(
      "-t,--test", to(Errand::test),
      "send a test SMS to PHONE without the queue, and print which dispatcher accepted it");
  auto* enqueue = app.add_option_function<std::string>(
      "-T,--TEST", to(Errand::enqueue),
      "put a test message to PHONE into the queue, for the account of --uid");
  auto* uid = app.add_option("-u,--uid", a.account, "the account that the message of --TEST belongs to")
                  ->transform(io::wholeNumber(0, 2'147'483'647));
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
  app.option_defaults()->disable_flag_override();
  app.add_option("--config", a.config, "configuration file")->capture_default_str()->type_name("FILE");
  app.add_flag_function(
      "-f,--foreground", [](std::int64_t) {},
      "does nothing, for NAV's scripts: smsd always runs in the foreground");
  app.set_version_flag("--version", "smsd " SMSD_VERSION);
  addOverride(
      app, "-d,--delay", "delay", "SECONDS",
      "retry.delay: first wait of a recipient whose SMS no dispatcher accepted; also queue.poll_interval",
      a.overrides);
  addOverride(app, "-D,--delayfactor", "delayfactor", "FACTOR",
              "retry.factor: the factor by which each further wait is longer; may have a fraction",
              a.overrides);
  addOverride(app, "-m,--maxdelay", "maxdelay", "SECONDS", "retry.max_delay: the longest wait", a.overrides);
  addOverride(app, "-l,--limit", "limit", "N", "retry.limit: rounds before --action applies; 0: never",
              a.overrides);
  addOverride(app, "-a,--action", "action", "ACTION",
              "retry.at_limit: 0 or ignore: give up the messages; 1 or shutdown: end smsd", a.overrides);
  addErrands(app, a);
  app.footer(
      "Exit status: 0 done, or stopped on request; 64 wrong arguments, 65 the queue refused the message, 69 "
      "no\n"
      "dispatcher accepted an SMS (--test, or retry.at_limit: shutdown), 75 try again later (database or "
      "another smsd),\n"
      "77 not permitted, 78 configuration.\n"
      "See smsd(8), smsd.yaml(5), smsctl(1).");
}

}  // namespace

ParsedArguments parseArguments(int argc, char** argv) {
  ParsedArguments parsed;
  Arguments& a = parsed.arguments;
  CLI::App app(
      "smsd sends the messages of a queue as SMS, each SMS through the first dispatcher that accepts it.",
      "smsd");
  describe(app, a);
  try {
    app.parse(argc, argv);
    if (app.count("--message") > 0 && app.count("--test") == 0 && app.count("--TEST") == 0)
      refuse("--message", "needs --test or --TEST");
  } catch (const CLI::ParseError& e) {
    parsed.exitStatus = io::exitStatusOf(app, e);
  }
  return parsed;
}

}  // namespace smsd
