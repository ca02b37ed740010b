// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/dispatcher-check/arguments.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "clients/dispatcher-check/checks.h"
#include "common/config/keys.h"
#include "common/files/regular-file.h"
#include "common/io/option-values.h"
#include "common/io/output.h"
#include "common/io/parse-exit.h"
#include "version.h"

namespace smsd::check {
namespace {

constexpr std::size_t largestConfig = 1 << 20;
constexpr const char* footer =
    "SMS are really sent if the dispatcher has a real gateway: let its file name a gateway for tests, or "
    "pass a\n"
    "telephone of yours as --recipient. The default recipient is a number that is never assigned.\n"
    "\n"
    "Exit status: 0 the program conforms; 1 it does not, or a check could not be decided; 64 wrong "
    "arguments;\n"
    "66 a file cannot be read or executed; 69 the dispatcher reports that it cannot send; 78 the program "
    "cannot\n"
    "start with this configuration.\n"
    "\n"
    "smsd-dispatcher-check(1) has each check and what to change in a program that fails it.";

std::string namesOfChecks() {
  std::vector<std::string_view> names;
  for (const auto& check : checks()) names.push_back(check.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

void addDuration(CLI::App& app, const char* name, Milliseconds& value, const char* help) {
  app.add_option_function<std::string>(
         name,
         [&value, name](const std::string& word) {
           const auto read = config::parseDuration(word);
           if (!read || *read < Milliseconds(100) || *read > std::chrono::minutes(10))
             throw CLI::ValidationError(
                 name, fmt::format("'{}': expected a duration from 100ms to 10min, for example 10s",
                                   word.substr(0, 40)));
           value = *read;
         },
         help)
      ->type_name("DURATION");
}

void describeOptions(CLI::App& app, Arguments& a) {
  RunSettings& s = a.settings;
  app.add_option("--config", s.config, "the dispatcher's file, which the program gets as from smsd")
      ->type_name("FILE");
  app.add_option("--kind", s.kind,
                 "the kind that the program has to return; default: that of smsd-worker-KIND, otherwise any")
      ->type_name("KIND");
  app.add_option("--name", s.name, "the dispatcher's name")->type_name("NAME")->capture_default_str();
  app.add_option("--recipient", s.recipient, "the number that the test SMS go to")
      ->type_name("NUMBER")
      ->capture_default_str();
  app.add_option("--batch", s.batch, "SMS in the check one-outcome")
      ->transform(io::wholeNumber(1, 4096))
      ->type_name("N")
      ->capture_default_str();
  app.add_flag("--yes", a.yes, fmt::format("send more than {} SMS if the checks need them", mostUnasked));
  app.add_option("--window", s.window, "the largest window that smsd.yaml permits this dispatcher")
      ->transform(io::wholeNumber(1, 4096))
      ->type_name("N")
      ->capture_default_str();
  addDuration(app, "--timeout", s.timeout,
              "the deadline of a test SMS, as `timeout` in smsd.yaml; default 10s");
  addDuration(app, "--start-timeout", s.startTimeout, "how long the program may start; default 30s");
  app.add_option_function<std::string>(
         "--activation",
         [&s](const std::string& word) {
           s.activations = word == "spawn"    ? std::vector{Activation::spawn}
                           : word == "socket" ? std::vector{Activation::socket}
                                              : std::vector{Activation::spawn, Activation::socket};
         },
         "how the program is started: spawn, socket or both; default both")
      ->transform(io::oneOf({"spawn", "socket", "both"}))
      ->type_name("HOW");
  app.add_option(
         "--witness", s.witness,
         "a file that changes when the program touches an SMS: the checks begun-first and withheld watch it")
      ->type_name("FILE");
  app.add_option("--only", a.only, "make only this check (and ready); may be repeated")
      ->allow_extra_args(false)
      ->type_name("CHECK");
  app.add_flag("--list", a.list, "list the checks and exit");
  app.add_flag("--json", a.json, "print the result as JSON; progress goes to standard error");
}

/// A program without a slash is looked for in PATH, as a shell does.
std::filesystem::path located(const std::filesystem::path& program) {
  if (program.native().find('/') != std::string::npos) return std::filesystem::absolute(program);
  const char* path = std::getenv("PATH");
  std::string rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const auto colon = std::min(rest.find(':'), rest.size());
    const auto candidate = std::filesystem::path(rest.substr(0, colon)) / program;
    if (access(candidate.c_str(), X_OK) == 0) return std::filesystem::absolute(candidate);
    rest.erase(0, colon + 1);
  }
  return std::filesystem::absolute(program);
}

/// `words`: the program and its arguments.
void takeProgram(std::vector<std::string> words, RunSettings& settings) {
  if (!words.empty() && words.front() == "--") words.erase(words.begin());
  if (words.empty()) throw CLI::ValidationError("PROGRAM", "expected the dispatcher program");
  if (words.front().starts_with('-'))
    throw CLI::ValidationError(words.front().substr(0, 40), "this option does not exist");
  settings.program = located(words.front());
  settings.arguments.assign(words.begin() + 1, words.end());
}

void complete(Arguments& a, const std::vector<std::string>& words) {
  RunSettings& s = a.settings;
  for (const auto& name : a.only)
    if (findCheck(name) == nullptr)
      throw CLI::ValidationError(
          "--only", fmt::format("'{}': expected one of {}", name.substr(0, 40), namesOfChecks()));
  takeProgram(words, s);
  if (s.recipient.empty() || s.recipient.size() > proto::MAX_RECIPIENT)
    throw CLI::ValidationError("--recipient",
                               fmt::format("expected a number of 1 to {} bytes", proto::MAX_RECIPIENT));
  constexpr std::string_view own = "smsd-worker-";
  const std::string file = s.program.filename();
  if (s.kind.empty() && file.starts_with(own)) s.kind = file.substr(own.size());
  if (!s.config.empty()) s.config = std::filesystem::absolute(s.config);
  if (!s.witness.empty()) s.witness = std::filesystem::absolute(s.witness);
}

}  // namespace

bool readArguments(int argc, char** argv, Arguments& arguments, int& status) {
  CLI::App app(
      "Starts a dispatcher program as smsd does, and reports each rule of smsd's protocol that it breaks.",
      "smsd-dispatcher-check");
  describeOptions(app, arguments);
  app.get_formatter()->label("OPTIONS", "OPTION...] PROGRAM [ARGUMENT...");
  app.footer(footer);
  app.set_version_flag("--version", "smsd-dispatcher-check " SMSD_VERSION);
  app.prefix_command();
  try {
    app.parse(argc, argv);
    if (!arguments.list) complete(arguments, app.remaining());
  } catch (const CLI::ParseError& e) {
    status = io::exitStatusOf(app, e);
    return false;
  }
  const auto& config = arguments.settings.config;
  if (arguments.list || config.empty()) return true;
  std::error_code why;
  const auto content = files::readRegular(config, largestConfig, why);
  if (content) {
    arguments.settings.content = *content;
    return true;
  }
  io::complainAs("smsd-dispatcher-check", fmt::format("--config: {}: {}", config.string(), why.message()));
  status = EX_NOINPUT;
  return false;
}

}  // namespace smsd::check
