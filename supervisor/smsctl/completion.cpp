// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/completion.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace smsd::smsctl {
namespace {

std::vector<CLI::App*> visibleCommands(CLI::App& group) {
  return group.get_subcommands([](CLI::App* one) { return !one->get_group().empty(); });
}

bool takesValue(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

std::vector<std::string> wordsIn(const std::string& type) {
  std::vector<std::string> words;
  std::size_t begin = 0;
  for (std::size_t bar; (bar = type.find('|', begin)) != std::string::npos; begin = bar + 1)
    words.push_back(type.substr(begin, bar - begin));
  if (begin > 0) words.push_back(type.substr(begin));
  return words;
}

bool isFile(std::string_view type) {
  return type == "FILE" || type == "FOLDER" || type == "DIR" || type == "PATH" || type == "PROGRAM";
}

/// The words before the cursor, read against the declared commands.
class Line {
 public:
  Line(CLI::App& app, const std::vector<std::string>& words) : app_(&app) {
    for (std::size_t i = 0; i + 1 < words.size(); ++i) take(words[i]);
  }

  CLI::App& command() const { return *app_; }
  const GivenValues& given() const { return given_; }
  /// The option whose value comes next.
  const CLI::Option* pending() const { return pending_; }
  /// The argument that comes next, unless the command has no more.
  const CLI::Option* positional() const {
    std::size_t number = 0;
    for (const CLI::Option* option : app_->get_options()) {
      if (!option->get_positional()) continue;
      if (number++ == positionals_ || option->get_items_expected_max() > 1) return option;
    }
    return nullptr;
  }
  const CLI::Option* option(const std::string& name) const {
    for (CLI::App* app = app_; app != nullptr; app = app->get_parent())
      if (const CLI::Option* found = app->get_option_no_throw(name)) return found;
    return nullptr;
  }

 private:
  void take(const std::string& word) {
    if (word == "=") return;  // bash makes a word of it: --overflow = summarize
    if (pending_ != nullptr && !word.starts_with('-')) {
      note(*std::exchange(pending_, nullptr), word);
    } else if (word.starts_with('-')) {
      pending_ = nullptr;
      const std::size_t equals = word.find('=');
      const CLI::Option* found = option(word.substr(0, equals));
      if (found == nullptr || !takesValue(*found)) return;
      if (equals == std::string::npos)
        pending_ = found;
      else
        note(*found, word.substr(equals + 1));
    } else if (CLI::App* sub = commandNamed(word)) {
      app_ = sub;
      positionals_ = 0;
    } else {
      ++positionals_;
    }
  }

  CLI::App* commandNamed(const std::string& word) const {
    for (CLI::App* sub : visibleCommands(*app_))
      if (sub->get_name() == word) return sub;
    return nullptr;
  }

  void note(const CLI::Option& option, const std::string& value) {
    if (option.check_lname("config")) given_.config = value;
    if (option.check_lname("kind")) given_.kind = value;
  }

  CLI::App* app_;
  const CLI::Option* pending_ = nullptr;
  std::size_t positionals_ = 0;
  GivenValues given_;
};

std::vector<std::string> valuesOf(const Line& line, const CLI::Option& option,
                                  const CandidateSources& sources) {
  const std::string type = option.get_type_name();
  const std::string name = option.get_positional() ? option.get_name() : "";
  const CLI::App* group = line.command().get_parent();
  const std::string above = group == nullptr ? "" : group->get_name(), command = line.command().get_name();
  if (auto words = wordsIn(type); !words.empty()) return words;
  if (isFile(type) || isFile(name)) return {filesWanted};
  if (type == "KIND" || name == "KIND") return sources.kinds(line.given());
  if (name == "KEY") return sources.keys(line.given());
  if (option.check_lname("via") || (name == "NAME" && (above == "dispatcher" || above == "canary")))
    return sources.dispatchers(line.given());
  if (name == "NAME" && command == "heartbeat") return sources.heartbeats(line.given());
  if (name == "ID" && above == "queue" && (command == "release" || command == "discard"))
    return sources.held(line.given());
  return {};
}

std::vector<std::string> optionNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

bool isHarmless(const std::string& word) {
  constexpr std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:=+/";
  return !word.empty() && word.find_first_not_of(allowed) == std::string::npos;
}

/// The candidates for the word at the cursor, whatever it begins with.
std::vector<std::string> all(const Line& line, const std::string& current, const CandidateSources& sources) {
  if (current.starts_with('-')) {
    const std::size_t equals = current.find('=');
    if (equals == std::string::npos) return optionNames(line.command());
    const CLI::Option* option = line.option(current.substr(0, equals));
    std::vector<std::string> values;
    if (option != nullptr && takesValue(*option)) values = valuesOf(line, *option, sources);
    for (auto& value : values)
      if (value != filesWanted) value.insert(0, current, 0, equals + 1);
    return values;
  }
  if (line.pending() != nullptr) return valuesOf(line, *line.pending(), sources);
  std::vector<std::string> names;
  for (const CLI::App* sub : visibleCommands(line.command())) names.push_back(sub->get_name());
  if (!names.empty()) return names;
  if (const CLI::Option* next = line.positional())
    if (auto values = valuesOf(line, *next, sources); !values.empty()) return values;
  return current.empty() ? optionNames(line.command()) : names;
}

}  // namespace

std::vector<std::string> candidates(CLI::App& app, const std::vector<std::string>& words,
                                    const CandidateSources& sources) {
  std::string current = words.empty() ? "" : words.back();
  if (current == "=") current.clear();
  const Line line(app, words);
  auto found = all(line, current, sources);
  std::erase_if(found, [&](const std::string& word) {
    return word != filesWanted && (!word.starts_with(current) || !isHarmless(word));
  });
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace smsd::smsctl
