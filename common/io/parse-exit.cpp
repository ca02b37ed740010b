// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/io/parse-exit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sysexits.h>

#include <sstream>
#include <string_view>
#include <vector>

#include "common/io/output.h"
#include "common/text/utf.h"

namespace smsd::io {
namespace {

constexpr std::size_t longestArgument = 40;  // bytes of an argument in a line
constexpr std::size_t longestLine = 600;     // of the words for an error

/// The app and the commands in it that the arguments name, the innermost last.
std::vector<const CLI::App*> commandsIn(const CLI::App& app) {
  std::vector<const CLI::App*> chain = {&app};
  for (auto inner = app.get_subcommands(); !inner.empty(); inner = chain.back()->get_subcommands())
    chain.push_back(inner.front());
  return chain;
}

std::string programOf(const CLI::App& app) {
  const std::string name = app.get_name();  // the path of the program if it gave no name
  return name.substr(name.rfind('/') + 1);
}

std::string inQuotes(std::string_view word) {
  return fmt::format("'{}'", text::printable(word, longestArgument));
}

/// Finds the option that an error of CLI11 is about: its text has the option's name as a word, or begins with
/// the name without its dashes. Returns null if there is none.
const CLI::Option* optionIn(const CLI::App& command, std::string_view words) {
  const std::string spaced = fmt::format(" {} ", words);
  for (const auto* option : command.get_options())
    for (const char* end : {" ", ":"})
      if (spaced.find(" " + option->get_name() + end) != std::string::npos) return option;
  for (const auto* option : command.get_options())
    for (const auto* names : {&option->get_lnames(), &option->get_snames()})
      for (const auto& name : *names)
        if (spaced.starts_with(" " + name + " ")) return option;
  return nullptr;
}

std::string missingIn(const CLI::App& command) {
  if (command.get_require_subcommand_min() > command.get_subcommands().size()) {
    std::vector<std::string> names;
    for (const auto* one : command.get_subcommands([](const CLI::App*) { return true; }))
      names.push_back(one->get_name());
    return fmt::format("expected a command: one of {}", fmt::join(names, ", "));
  }
  std::vector<std::string> names;
  for (const auto* option : command.get_options())
    if (option->get_required() && option->count() == 0) names.push_back(option->get_name());
  return fmt::format("expected {}", fmt::join(names, " and "));
}

std::string superfluousIn(const CLI::App& app) {
  std::vector<std::string> words;
  for (const auto& word : app.remaining(true)) words.push_back(inQuotes(word));
  return fmt::format("did not expect {}", fmt::join(words, ", "));
}

/// `error` has the names of two options with `between` between them.
std::string aboutTwo(const CLI::ParseError& error, std::string_view between, std::string_view words) {
  const std::string_view both = error.what();
  const auto at = both.find(between);
  return fmt::format("{}: {} {}", both.substr(0, at), words, both.substr(at + between.size()));
}

/// A missing, superfluous or unreadable value of an option.
std::string aboutValue(const CLI::App& command, const CLI::ParseError& error) {
  const auto* option = optionIn(command, error.what());
  if (option == nullptr) return "an argument has a wrong value";
  const std::string name = option->get_name();
  if (option->get_expected_max() == 0) return name + ": takes no value";
  if (option->count() > 1) return name + ": expected it once, found it more than once";
  if (option->count() == 0 || option->results().front().empty()) return name + ": expected a value";
  return fmt::format("{}: {}: expected another value", name, inQuotes(option->results().front()));
}

}  // namespace

std::string wordsOf(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = *commandsIn(app).back();
  switch (static_cast<CLI::ExitCodes>(error.get_exit_code())) {
    case CLI::ExitCodes::ValidationError:
      return text::printable(error.what(), longestLine);
    case CLI::ExitCodes::RequiredError:
      return missingIn(command);
    case CLI::ExitCodes::ExtrasError:
      return superfluousIn(app);
    case CLI::ExitCodes::RequiresError:
      return aboutTwo(error, " requires ", "needs");
    case CLI::ExitCodes::ExcludesError:
      return aboutTwo(error, " excludes ", "cannot be used together with");
    default:
      return aboutValue(command, error);
  }
}

int exitStatusOf(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
    std::ostringstream out, err;
    app.exit(error, out, err);
    print(out.str());
    return EX_OK;
  }
  const std::string program = programOf(app);
  std::string command;
  for (const auto* one : commandsIn(app))
    if (one != &app) command += (command.empty() ? "" : " ") + one->get_name();
  complainAs(program, fmt::format("{}{}; see `{}{} --help`\n", command.empty() ? "" : command + ": ",
                                  wordsOf(app, error), program, command.empty() ? "" : " " + command));
  return EX_USAGE;
}

}  // namespace smsd::io
