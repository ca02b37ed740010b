// SPDX-License-Identifier: GPL-3.0-or-later
// smsctl: the operator's tool. Parses the arguments; commands.h, import-nav.h and preview.h have the
// commands.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <kj/exception.h>
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>
#include <optional>

#include "common/config/values.h"
#include "common/fault.h"
#include "common/io/option-values.h"
#include "common/io/output.h"
#include "common/io/parse-exit.h"
#include "common/journal/journal.h"
#include "common/sandbox/sandbox.h"
#include "common/text/utf.h"
#include "supervisor/control/client.h"
#include "supervisor/smsctl/command-line.h"
#include "supervisor/smsctl/commands.h"
#include "supervisor/smsctl/preview.h"
#include "supervisor/smsctl/run-program.h"
#include "supervisor/smsctl/send-arguments.h"
#include "supervisor/startup/exit-status.h"
#include "version.h"

namespace {

using namespace smsd;
using namespace smsd::smsctl;

void complain(const std::string& text) { io::complainAs("smsctl", text); }

/// Prints the error of a command. Returns its exit status.
int reported(const Action& act) {
  try {
    return act();
  } catch (const CommandError& e) {
    complain(e.what());
    return e.status();
  } catch (const queue::QueueError& e) {
    complain(e.what());
    return startup::exitStatus(e);
  } catch (const control::Unreachable& e) {
    complain(e.what());
    return statusOf(e);
  } catch (const kj::Exception& e) {
    complain(control::noAnswer(e));
  } catch (const std::exception& e) {
    complain(faultOf(e));
  }
  return EX_TEMPFAIL;
}

config::Config configOf(const Arguments& arguments) {
  auto read = config::readConfig(arguments.config, config::Reach::valuesOnly);
  if (!read.problems.empty()) throw CommandError(EX_CONFIG, config::describe(read.problems));
  return std::move(read.config);
}

int preview(const Arguments& arguments) {
  std::vector<std::string> lines;
  for (std::string line; std::getline(std::cin, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(std::move(line));
  }
  io::print((arguments.json ? previewJson(lines, arguments.rules) : previewText(lines, arguments.rules)));
  return EX_OK;
}

void addPreview(CLI::App& app, Arguments& a, Action& chosen) {
  auto* sub = command(app, "preview",
                      "print the SMS for messages from standard input, one a line, the most severe first", a,
                      chosen, [&a]() { return preview(a); });
  sub->add_option("--max-parts", a.rules.maxParts, "number of concatenated SMS that the text may take")
      ->transform(io::wholeNumber(1, 8))
      ->type_name("N")
      ->capture_default_str();
  sub->add_option_function<std::string>(
         "--overflow",
         [&a](const std::string& word) {
           a.rules.overflow =
               word == "carry_over" ? format::Overflow::carry_over : format::Overflow::summarize;
         },
         "how to handle messages that do not fit")
      ->transform(io::oneOf({"summarize", "carry_over"}))
      ->type_name("summarize|carry_over");
  // Without a value, the parser passes `true`.
  sub->add_option_function<std::string>(
         "--transliterate",
         [&a](const std::string& word) {
           using format::Transliteration;
           a.rules.transliterate = word == "off"    ? Transliteration::off
                                   : word == "auto" ? Transliteration::automatic
                                                    : Transliteration::on;
         },
         "whether to replace characters by their GSM 03.38 look-alikes; without a value: on")
      ->expected(0, 1)
      ->transform(io::oneOf({"off", "on", "auto"}))
      ->transform(CLI::Validator(  // runs first
          [](std::string& word) {
            if (word == "true") word = "on";
            return std::string();
          },
          ""))
      ->type_name("off|on|auto");
}

void addStatus(CLI::App& app, Arguments& a, Action& chosen) {
  auto* sub =
      command(app, "status", "show the state of smsd; exit status 0: healthy, 1: not healthy, 3: not running",
              a, chosen, [&a]() {
                using Detail = StatusArguments::Detail;
                using Watch = StatusArguments::Watch;
                const StatusArguments arguments{.file = a.config,
                                                .form = a.form(),
                                                .detail = a.verbose ? Detail::all : Detail::screen,
                                                .watch = a.watch ? Watch::yes : Watch::no};
                if (!a.watch) return status(arguments);
                return watchStatus(arguments, durationOf("--interval", a.interval, {100ms, 1h}));
              });
  sub->add_flag("--verbose", a.verbose, "print everything, on more than one screen");
  sub->add_flag("--watch", a.watch, "repeat the output until interrupted");
  sub->add_option("--interval", a.interval, "with --watch: time between two outputs")
      ->capture_default_str()
      ->type_name("DURATION");
}

void addTest(CLI::App& app, Arguments& a, Action& chosen) {
  auto* sub = command(app, "test", "send a test SMS through the running smsd, without the queue", a, chosen,
                      [&a]() { return test(siteIn(a), a.test, a.form()); });
  sub->add_option("PHONE", a.test.recipient, "the recipient's number")->required()->type_name("");
  sub->add_option("--via", a.test.via,
                  "use only this dispatcher; default: each in order until one accepts the SMS")
      ->type_name("NAME");
  sub->add_option("--message", a.test.text, "the text of the SMS")->type_name("TEXT");
}

void addCanary(CLI::App& app, Arguments& a, Action& chosen) {
  auto* group =
      app.add_subcommand("canary",
                         "list the canaries, the test SMS that smsd sends by itself, or send them now")
          ->require_subcommand(1);
  command(*group, "list", "list the last canary of each dispatcher and the time of the next one", a, chosen,
          [&a]() { return listCanaries(statusIn(a), a.form()); });
  command(*group, "run", "send a canary now, for example after a repair", a, chosen,
          [&a]() { return runCanary(siteIn(a), a.dispatcher, a.form()); })
      ->add_option("NAME", a.dispatcher, "the dispatcher; default: each one that has canaries")
      ->type_name("");
}

void addDispatcher(CLI::App& app, Arguments& a, Action& chosen) {
  auto* group = app.add_subcommand("dispatcher", "list and control the dispatchers")->require_subcommand(1);
  command(*group, "list", "list the dispatchers with their state, worker and outcomes", a, chosen,
          [&a]() { return listDispatchers(statusIn(a), a.form()); });
  const auto add = [&](const std::string& name, Act act, const std::string& help) {
    command(*group, name, help, a, chosen,
            [&a, act]() { return steer(siteIn(a), a.dispatcher, act, a.form()); })
        ->add_option("NAME", a.dispatcher, "the dispatcher")
        ->required()
        ->type_name("");
  };
  add("pause", Act::pause, "give it no more SMS, also after a restart of smsd");
  add("resume", Act::resume, "end its pause and try it again");
  add("restart", Act::restart, "replace its worker and try it at once, for example after a repair");
}

void addHeartbeat(CLI::App& app, Arguments& a, Action& chosen) {
  command(app, "heartbeat",
          "record a heartbeat of another program; without a name, list those that are expected", a, chosen,
          [&a]() {
            if (a.heartbeat.empty()) return listHeartbeats(statusIn(a), a.form());
            return heartbeat(siteIn(a), a.heartbeat, a.form());
          })
      ->add_option("NAME", a.heartbeat, "the heartbeat, as smsd.yaml names it")
      ->type_name("");
}

/// A try takes about a second, and a line for each would hide what matters.
void sayNowAndThen(int tries, int most) {
  if (tries % 5 != 1) return;
  complain(
      fmt::format("another session holds a lock on the tables of the queue: tried {} of {} times, and trying "
                  "again",
                  tries, most));
}

int installAs(Arguments& a) {
  if (a.grant && a.install.role.empty()) throw CommandError(EX_USAGE, "--grant: expected --role with it");
  const config::Config config = configOf(a);
  if (!a.as.empty() && config::backendOf(config) == config::Backend::sqlite)
    throw CommandError(EX_USAGE,
                       "--as: the queue is an SQLite file, which has no roles: leave --as out, or run "
                       "`smsctl db install` as the owner of the file");
  a.install.connectAs = a.as;
  a.install.onRepeat = sayNowAndThen;
  const auto act = [&]() { return reported([&]() { return installDatabase(config, a.install, a.form()); }); };
  return a.as.empty() ? installDatabase(config, a.install, a.form()) : runAs(a.as, act);
}

void addDatabase(CLI::App& app, Arguments& a, Action& chosen) {
  auto* group =
      app.add_subcommand("db", "install and check the database of the queue")->require_subcommand(1);
  auto* install = command(
      *group, "install", "install the missing parts of the queue; can be run again", a, chosen, [&a]() {
        auto extra = [](bool wanted) {
          return wanted ? queue::InstallOptions::Extra::make : queue::InstallOptions::Extra::leave;
        };
        a.install.indexes = extra(a.indexes);
        a.install.notify = extra(a.notify);
        a.install.tables = extra(a.tables);
        a.install.grants = extra(a.grant);
        return installAs(a);
      });
  install->add_flag("--indexes", a.indexes, "PostgreSQL: add the two partial indexes to smsq (recommended)");
  install->add_flag("--notify", a.notify,
                    "PostgreSQL: add the trigger on smsq that wakes smsd at once (recommended)");
  install->add_flag("--tables", a.tables,
                    "PostgreSQL: add the tables account and smsq, for a queue without NAV");
  install->add_option("--role", a.install.role, "the role in the printed GRANTs");
  install->add_flag("--grant", a.grant,
                    "PostgreSQL: run these GRANTs, and create the role of --role if it is missing");
  install
      ->add_option(
          "--as", a.as,
          "PostgreSQL: connect as this system user, with the role of the same name; only root can name "
          "another one")
      ->type_name("USER");
  command(*group, "check", "check that the queue can be reached and is installed", a, chosen,
          [&a]() { return checkDatabase(configOf(a), a.form()); });
}

void addDoctor(CLI::App& app, Arguments& a, Action& chosen) {
  auto* sub =
      command(app, "doctor",
              "examine the installation; exit status 0: nothing is wrong, 1: findings, 2: none, but not "
              "all could be checked",
              a, chosen, [&a]() {
                a.doctor.config = a.config;
                return examineHost(a.doctor, a.form());
              });
  sub->add_option("--nav", a.doctor.navFolder, "the folder of NAV's nav.conf and daemons.yml")
      ->capture_default_str()
      ->type_name("FOLDER");
  sub->add_flag_callback(
      "--list", [&a]() { a.doctor.act = DoctorArguments::Act::list; }, "list the faults that doctor knows");
}

void addCommands(CLI::App& app, Arguments& a, Action& chosen) {
  app.option_defaults()->disable_flag_override();
  app.require_subcommand(1);
  app.add_option("--config", a.config, "configuration file")->capture_default_str()->type_name("FILE");
  app.set_version_flag("--version", "smsctl " SMSD_VERSION);
  addStatus(app, a, chosen);
  addSend(app, a, chosen);
  addSubmit(app, a, chosen);
  addTest(app, a, chosen);
  addCanary(app, a, chosen);
  addDispatcher(app, a, chosen);
  addHeartbeat(app, a, chosen);
  addPreview(app, a, chosen);
  addQueue(app, a, chosen);
  addId(command(app, "explain", "show the history of one message: SMS, attempts, outcomes", a, chosen,
                [&a]() { return explainMessage(siteIn(a), a.id, a.form()); }),
        a, "the id of the message, as `queue list` and `send` print it");
  addDatabase(app, a, chosen);
  addConfig(app, a, chosen);
  addNew(app, a, chosen);
  addDoctor(app, a, chosen);
  command(app, "reload", "make the running smsd read its configuration again", a, chosen,
          [&a]() { return reload(siteIn(a), a.form()); });
}

CLI::App* commandNamed(CLI::App& group, const std::string& word) {
  for (auto* sub : group.get_subcommands([](CLI::App*) { return true; }))
    if (sub->get_name() == word) return sub;
  return nullptr;
}

std::string unknownCommand(CLI::App& group, const std::string& word) {
  std::vector<std::string> names;
  for (auto* sub : group.get_subcommands([](CLI::App*) { return true; })) names.push_back(sub->get_name());
  const std::string above = group.get_name() == "smsctl" ? "" : group.get_name() + " ";
  const std::string found = text::printable(word, 40);
  if (const auto near = config::closest(word, names))
    return fmt::format("there is no command '{}{}': did you mean `smsctl {}{}`?", above, found, above, *near);
  return fmt::format("there is no command '{}{}', expected one of {}", above, found, fmt::join(names, ", "));
}

/// Handles unknown commands and `help` before the arguments are parsed. Returns the exit status if it did.
std::optional<int> lookAtWords(CLI::App& app, int argc, char** argv) {
  CLI::App* group = &app;
  bool help = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--config") ++i;
    if (word.starts_with('-')) continue;
    if (word == "help" && !help && commandNamed(*group, word) == nullptr) {
      help = true;
      continue;
    }
    if (group->get_subcommands([](CLI::App*) { return true; }).empty()) break;
    auto* sub = commandNamed(*group, word);
    if (sub == nullptr) {
      complain(unknownCommand(*group, word));
      return EX_USAGE;
    }
    group = sub;
  }
  if (!help) return std::nullopt;
  io::print(group->help());
  return EX_OK;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  Action chosen;
  CLI::App app(
      "smsctl monitors and controls smsd: its state, its queue, its dispatchers and its configuration.",
      "smsctl");
  addCommands(app, arguments, chosen);
  if (argc > 1 && std::string_view(argv[1]) == "complete") return complete(app, {argv + 2, argv + argc});
  if (const auto done = lookAtWords(app, argc, argv)) return *done;
  try {
    auto words = withDashedText({argv + 1, argv + argc});
    std::reverse(words.begin(), words.end());  // this parser expects the reverse order
    app.parse(std::move(words));
  } catch (const CLI::ParseError& e) {
    return io::exitStatusOf(app, e);
  }
  journal::openForCommand("smsctl");
  return reported([&]() {
    if (const auto empty = io::emptyOption(app); !empty.empty())
      throw CommandError(EX_USAGE, fmt::format("{}: expected a value, found an empty one", empty));
    sandbox::keepPrivate();  // import-nav reads NAV's files, which hold passwords
    return chosen();
  });
}
