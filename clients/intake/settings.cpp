// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/intake/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/text/number-form.h"

namespace smsd::webintake {
namespace {

constexpr std::size_t maxTokens = 100;
constexpr std::size_t leastSecret = 16;  // bytes

using Problem = std::optional<std::string>;

bool isName(const std::string& name) {
  return !name.empty() && name.size() <= 40 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

Problem problemOf(const std::string& text) {
  std::string problem;
  if (shapes::AlertTemplate::from(text, problem)) return std::nullopt;
  return problem;
}

Problem problemOf(const std::vector<Token>& tokens) {
  if (tokens.empty()) return "expected at least one token, because no request is accepted without one";
  if (tokens.size() > maxTokens)
    return fmt::format("found {} tokens, expected at most {}", tokens.size(), maxTokens);
  std::set<std::string> names, secrets;
  for (const auto& token : tokens) {
    if (!isName(token.name)) return "found a name that is not of 1 to 40 letters, digits, `-`, `_` or `.`";
    if (!names.insert(token.name).second) return fmt::format("found the name {} twice", token.name);
    if (token.secret.reveal().size() < leastSecret)
      return fmt::format("the secret of {} is shorter than {} bytes", token.name, leastSecret);
    if (!secrets.insert(token.secret.reveal()).second)
      return fmt::format("the secret of {} is that of another token", token.name);
  }
  return std::nullopt;
}

Problem problemOfRights(const std::vector<Token>& tokens) {
  for (const auto& token : tokens) {
    if (token.recipients.empty() && token.groups.empty() && !token.metrics)
      return fmt::format("{} may do nothing, expected recipients or groups", token.name);
    for (const auto& number : token.recipients) {
      const std::string_view digits =
          std::string_view(number).substr(0, number.size() - number.ends_with('*'));
      if (number != "*" && text::numberForm(digits).empty())
        return fmt::format(
            "{}: recipients: found a text that is no number, no beginning of one (+47*) and not *",
            token.name);
    }
  }
  return std::nullopt;
}

void declareToken(config::Keys& keys, Token& token) {
  keys.text("name", token.name, "names the token in the journal, in metrics and in smsctl explain",
            config::Presence::required);
  keys.secretFile("secret_file", token.secret,
                  "the file with the token in its first line; a relative path is a credential of the unit",
                  config::Presence::required);
  keys.example("secret_file", "secret_file: alertmanager.token");
  keys.texts("recipients", token.recipients, "numbers that may get alerts; +47*: all that begin so; *: all");
  keys.texts("groups", token.groups, "groups that may get alerts; *: all");
  keys.integers("severities", token.severities, {1, 5},
                "severities that alerts may have; empty: any, or none");
  keys.integer("rate", token.rate, {0, 1'000'000}, "alerts a minute; 0: as many as smsd allows");
  keys.flag("metrics", token.metrics, "whether the token may read /metrics");
}

void declareSeverity(config::Keys& keys, shapes::SeverityWord& one) {
  keys.text("word", one.word, "a value of the label, in any case of letters", config::Presence::required);
  one.severity = 3;
  keys.integer("severity", one.severity, {0, 5}, "the severity for it, 1 (most severe) to 5; 0: none");
}

}  // namespace

void declare(config::Keys& keys, IntakeSettings& settings) {
  keys.path("socket", settings.socket, "smsd's intake.sock");
  keys.list<Token>("tokens", settings.tokens, declareToken,
                   "the clients, each with its own token and rights");
  keys.text("alertmanager.severity_label", settings.severityLabel, "the label with the severity of an alert");
  keys.integer("alertmanager.severity", settings.severity, {0, 5},
               "the severity of an alert whose label is missing or has an unknown word; 0: none");
  keys.list<shapes::SeverityWord>("alertmanager.severities", settings.severities, declareSeverity,
                                  "words of the label in addition to the known ones, such as critical");
  keys.flag("alertmanager.send_resolved", settings.sendResolved,
            "whether a RESOLVED is sent if its alert has left already");
  keys.text("alertmanager.firing", settings.firing, "the text of an alert that fires");
  keys.text("alertmanager.resolved", settings.resolved, "the text of an alert that is resolved");
  keys.rule("tokens", [&settings]() { return problemOf(settings.tokens); });
  keys.rule("tokens", [&settings]() { return problemOfRights(settings.tokens); });
  keys.rule("alertmanager.firing", [&settings]() { return problemOf(settings.firing); });
  keys.rule("alertmanager.resolved", [&settings]() { return problemOf(settings.resolved); });
}

shapes::AlertmanagerRules rulesOf(const IntakeSettings& settings) {
  std::string problem;
  return {*shapes::AlertTemplate::from(settings.firing, problem),
          *shapes::AlertTemplate::from(settings.resolved, problem),
          shapes::SeverityWords(settings.severities),
          settings.severityLabel,
          settings.severity,
          settings.sendResolved};
}

}  // namespace smsd::webintake
