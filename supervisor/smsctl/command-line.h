// SPDX-License-Identifier: GPL-3.0-or-later
// The command line of smsctl: what the parser fills, and how a command is declared. Shared by main.cpp and
// config-commands.cpp.
#pragma once

#include <fmt/format.h>
#include <sysexits.h>
#include <CLI/CLI.hpp>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "common/io/option-values.h"
#include "supervisor/smsctl/commands.h"
#include "supervisor/smsctl/config-install.h"
#include "supervisor/smsctl/examine.h"
#include "supervisor/smsctl/move-from-nav.h"
#include "supervisor/smsctl/new-project/new-project.h"
#include "supervisor/smsctl/preview.h"

namespace smsd::smsctl {

/// The parsed command line; each command reads its part.
struct Arguments {
  std::string config = defaultConfig;
  bool json = false;
  SendArguments send;
  SubmitArguments submit;
  std::string expiresIn;
  int severity = 0;
  ListArguments list;
  std::string minimumAge = "0s";
  std::size_t heldLimit = 100;
  std::int64_t id = 0;
  road::TestSmsRequest test{"", "This is a test message from smsd.", ""};
  std::string dispatcher;
  std::string heartbeat;
  std::string interval = "2s";
  bool watch = false, verbose = false;
  queue::Whom whom;
  std::string navFolder, output;
  bool everybody = false;
  format::FormatRules rules;
  queue::InstallOptions install;
  bool indexes = false, notify = false, tables = false, grant = false;
  std::string as;
  std::string key, kind;
  InstallArguments configFiles;
  MoveArguments move;
  DoctorArguments doctor;
  NewArguments project;
  bool dryRun = false, apply = false, undo = false;

  Form form() const { return json ? Form::json : Form::text; }
};

using Action = std::function<int()>;

/// Declares a command of `parent`. `action` becomes `chosen` if the operator chose it.
inline CLI::App* command(CLI::App& parent, const std::string& name, const std::string& help,
                         Arguments& arguments, Action& chosen, Action action) {
  auto* sub = parent.add_subcommand(name, help);
  sub->add_flag("--json", arguments.json, "print JSON");
  sub->callback([&chosen, action = std::move(action)]() { chosen = action; });
  return sub;
}

/// The default file may be closed to this user, who then works through the daemon.
inline Named namedIn(const Arguments& arguments) { return namedIn(arguments.config); }
inline Site siteIn(const Arguments& arguments) { return siteOf(arguments.config, namedIn(arguments)); }
/// For commands that show the state.
inline Site statusIn(const Arguments& arguments) {
  return siteOfStatus(arguments.config, namedIn(arguments));
}

/// Declares the argument ID of `command`.
inline void addId(CLI::App* command, Arguments& a, const std::string& help) {
  command->add_option("ID", a.id, help)
      ->required()
      ->transform(io::wholeNumber(1, std::numeric_limits<std::int64_t>::max()))
      ->type_name("");
}

/// Throws CommandError for a word that is no duration within the bound.
inline Milliseconds durationOf(const std::string& flag, const std::string& word,
                               config::Bound<Milliseconds> bound) {
  const auto value = config::parseDuration(word);
  if (value && *value >= bound.least && *value <= bound.most) return *value;
  throw CommandError(EX_USAGE,
                     fmt::format("{} {}: expected a duration from {} to {}", flag, word,
                                 config::printDuration(bound.least), config::printDuration(bound.most)));
}

/// `smsctl send` and `smsctl submit`.
void addSend(CLI::App& app, Arguments& a, Action& chosen);
void addSubmit(CLI::App& app, Arguments& a, Action& chosen);
/// `smsctl queue` and its commands.
void addQueue(CLI::App& app, Arguments& a, Action& chosen);
/// `smsctl complete WORD ...`: prints the candidates for the last word, one a line. It is not declared as a
/// command, because only shells call it and its words may be anything.
int complete(CLI::App& app, const std::vector<std::string>& words);

/// `smsctl config` and its commands.
void addConfig(CLI::App& app, Arguments& a, Action& chosen);
/// `smsctl new` and its commands.
void addNew(CLI::App& app, Arguments& a, Action& chosen);

}  // namespace smsd::smsctl
