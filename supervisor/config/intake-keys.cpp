// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/config/intake-keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/files/regular-file.h"
#include "common/text/number-form.h"
#include "supervisor/config/config.h"

namespace smsd::config {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t longestName = 31;  // of a group
constexpr std::size_t longestUser = 32;
constexpr std::size_t mostNumbers = 100;  // MAX_TARGETS of proto/intake.capnp
constexpr std::size_t longestCountry = 3;
constexpr std::size_t maxFile = 1024 * 1024;

bool isLetterOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool isDigit(char c) { return c >= '0' && c <= '9'; }

std::optional<std::string> problemOfGroupName(const std::string& name) {
  const bool allowed = std::ranges::all_of(
      name, [](char c) { return isLetterOrDigit(c) || c == '-' || c == '_' || c == '.'; });
  if (!name.empty() && name.size() <= longestName && allowed && isLetterOrDigit(name.front()))
    return std::nullopt;
  return fmt::format(
      "expected a name of a-z, 0-9 and .-_, not starting with one of these, of at most {} characters",
      longestName);
}

std::optional<std::string> problemOfUser(const std::string& user) {
  const bool allowed = std::ranges::all_of(user, [](char c) {
    return isLetterOrDigit(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
  });
  if (!user.empty() && user.size() <= longestUser && allowed && user.front() != '-') return std::nullopt;
  return fmt::format("expected the name of a user of this host, of at most {} characters", longestUser);
}

/// `*`, a number, or the beginning of one with `*`. Brings it to one form.
std::optional<std::string> formOfPattern(std::string& pattern, const std::string& country) {
  if (pattern == "*") return std::nullopt;
  if (pattern.ends_with('*')) {
    const std::string_view beginning(pattern.data(), pattern.size() - 1);
    const std::string_view digits = beginning.substr(beginning.starts_with('+') ? 1 : 0);
    if (!digits.empty() && std::ranges::all_of(digits, isDigit)) return std::nullopt;
    return fmt::format("{}: expected *, a number, or the beginning of a number and *, such as +47*", pattern);
  }
  auto form = text::oneForm(pattern, country);
  if (!form.problem.empty()) return form.problem;
  pattern = std::move(form.number);
  return std::nullopt;
}

void declareCaller(Keys& keys, IntakeCaller& caller) {
  keys.text("user", caller.user, "the user of the program, as the kernel reports it", Presence::required);
  keys.example("user", "smsd-intake");
  keys.texts("recipients", caller.recipients,
             "the numbers to which it may submit; +47* are those that begin so, * are all; without it, none");
  keys.example("recipients", "[\"+47*\"]");
  keys.texts("groups", caller.groups,
             "the groups of groups.yaml to which it may submit; * are all; without it, none");
  keys.example("groups", "[noc]");
  keys.integers("severities", caller.severities, {1, 5},
                "the severities that its alerts may have; without it, each, and none");
  keys.example("severities", "[1, 2]");
  keys.integer("rate", caller.rate, {1, 1'000'000},
               "the messages that it may submit a minute, also all at once");
  keys.rule("user", [&caller]() { return problemOfUser(caller.user); });
  keys.rule("groups", [&caller]() -> std::optional<std::string> {
    for (const auto& group : caller.groups)
      if (group != "*")
        if (auto problem = problemOfGroupName(group)) return problem;
    return std::nullopt;
  });
}

void declareGroup(Keys& keys, RecipientGroup& group) {
  keys.text("name", group.name, "the group's name: a-z, 0-9 and .-_", Presence::required);
  keys.example("name", "noc");
  keys.texts("numbers", group.numbers, "the numbers of the group; an alert to it goes to each of them once");
  keys.example("numbers", "[\"+4799887766\", \"+4790000001\"]");
  keys.rule("name", [&group]() { return problemOfGroupName(group.name); });
  keys.rule("numbers", [&group]() -> std::optional<std::string> {
    if (!group.numbers.empty() && group.numbers.size() <= mostNumbers) return std::nullopt;
    return fmt::format("expected 1 to {} numbers", mostNumbers);
  });
}

std::vector<Problem> checkGroups(const Keys& keys, Config& config) {
  std::vector<Problem> problems;
  auto& groups = config.groups;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j)
      if (groups[i].name == groups[j].name)
        problems.push_back({keys.where(fmt::format("groups[{}].name", i)),
                            fmt::format("a second group named {}, expected another name (the first is at {})",
                                        groups[i].name, keys.where(fmt::format("groups[{}].name", j)))});
    std::vector<std::string> numbers;
    for (const auto& written : groups[i].numbers) {
      auto form = text::oneForm(written, config.country);
      if (!form.problem.empty())
        problems.push_back({keys.where(fmt::format("groups[{}].numbers", i)), form.problem});
      else if (std::ranges::find(numbers, form.number) == numbers.end())
        numbers.push_back(std::move(form.number));
    }
    groups[i].numbers = std::move(numbers);
  }
  return problems;
}

}  // namespace

void declareCountry(Keys& keys, std::string& country) {
  keys.text("country", country,
            "the code of this country, without + and 00: smsd adds it to a number of six digits or more that "
            "has none, where it takes a number; without it, such a number stays as it is");
  keys.example("country", "\"47\"");
  keys.rule("country", [&country]() -> std::optional<std::string> {
    if (country.empty()) return std::nullopt;
    if (country.size() <= longestCountry && std::ranges::all_of(country, isDigit) && country.front() != '0')
      return std::nullopt;
    return fmt::format("expected 1 to {} digits in quotes, without + and 00, such as \"47\"", longestCountry);
  });
}

void declareIntake(Keys& keys, Config& config) {
  auto& intake = config.intake;
  keys.path(
      "intake.socket", intake.socket,
      "the socket at which programs submit alerts; if only control.socket is set, to another place than "
      "/run/smsd, there is none");
  keys.list<IntakeCaller>(
      "intake.callers", intake.callers, declareCaller,
      "the users whose programs may submit alerts at intake.sock, and what each may submit");
  keys.duration("intake.dedupe", intake.dedupe, {1s, std::chrono::days(7)},
                "the time in which a second alert with the same key is a duplicate");
}

std::vector<Problem> checkIntake(const Keys& keys, Config& config) {
  std::vector<Problem> problems;
  auto& callers = config.intake.callers;
  for (std::size_t i = 0; i < callers.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j)
      if (callers[i].user == callers[j].user)
        problems.push_back(
            {keys.where(fmt::format("intake.callers[{}].user", i)),
             fmt::format("a second entry of the user {}, expected one (the first is at {})", callers[i].user,
                         keys.where(fmt::format("intake.callers[{}].user", j)))});
    for (auto& pattern : callers[i].recipients)
      if (auto problem = formOfPattern(pattern, config.country))
        problems.push_back({keys.where(fmt::format("intake.callers[{}].recipients", i)), *problem});
  }
  return problems;
}

void declareGroups(Keys& keys, std::vector<RecipientGroup>& groups) {
  keys.list<RecipientGroup>("groups", groups, declareGroup, "names for several numbers");
}

std::vector<KeyHelp> explainGroups() {
  std::vector<RecipientGroup> groups;
  Keys keys;
  declareGroups(keys, groups);
  return keys.explain();
}

std::vector<Problem> readGroups(Config& config, Reach reach) {
  const fs::path& file = config.groupsFile;
  std::error_code error;
  const auto status = fs::status(file, error);
  if (status.type() == fs::file_type::not_found) return {};
  const auto text = files::readRegular(file, maxFile, error = {});
  if (!text && reach == Reach::valuesOnly && error == std::errc::permission_denied) return {};
  if (!text)
    return {{file.string(),
             fmt::format("cannot be read ({}), expected a file that this user may read", error.message())}};
  Keys keys(Quoting::harmless);
  declareGroups(keys, config.groups);
  auto problems = keys.read(*text, file.string());
  const auto more = checkGroups(keys, config);
  problems.insert(problems.end(), more.begin(), more.end());
  return problems;
}

const RecipientGroup* groupNamed(const Config& config, const std::string& name) {
  const auto found = std::ranges::find(config.groups, name, &RecipientGroup::name);
  return found == config.groups.end() ? nullptr : &*found;
}

}  // namespace smsd::config
