// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/shapes/plain-alerts.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "clients/shapes/dedupe-key.h"
#include "clients/shapes/json.h"
#include "clients/shapes/query.h"
#include "common/text/ascii.h"
#include "common/text/utf.h"

namespace smsd::shapes {
namespace {

constexpr std::string_view members[] = {"to",  "group",   "text",       "message",
                                        "key", "cancels", "expires_in", "severity"};

class AlertReader {
 public:
  AlertReader(const nlohmann::json& entry, const std::vector<Target>& to, const SeverityWords& severities)
      : entry_(entry), to_(to), severities_(severities) {}

  /// Appends the alert, once for each recipient. Returns the problem, or empty.
  std::string into(std::vector<IncomingAlert>& all) {
    if (!entry_.is_object()) return "expected an object";
    for (const auto& member : entry_.items())
      if (std::find(std::begin(members), std::end(members), member.key()) == std::end(members))
        return "found an unknown member, expected to, group, text, severity, key, cancels, expires_in";
    IncomingAlert alert;
    for (const auto& problem : {readText(alert), readSeverity(alert), readKeys(alert), readExpiry(alert)})
      if (!problem.empty()) return problem;
    auto targets = readTargets();
    if (wrong_) return "to, group: expected a text or a list of texts";
    if (targets.empty()) return "expected `to` (a number) or `group`";
    for (auto& target : targets) {
      alert.to = std::move(target);
      all.push_back(alert);
    }
    return {};
  }

 private:
  std::vector<Target> readTargets() {
    std::vector<Target> targets;
    for (auto& name : textsIn(entry_, "to", wrong_))
      targets.push_back({Target::Kind::recipient, std::move(name)});
    for (auto& name : textsIn(entry_, "group", wrong_))
      targets.push_back({Target::Kind::group, std::move(name)});
    return targets.empty() ? to_ : targets;
  }
  std::string readText(IncomingAlert& alert) {
    bool wrong = false;
    auto text = textIn(entry_, "text", wrong);
    if (!text) text = textIn(entry_, "message", wrong);
    if (wrong) return "text: expected a text";
    alert.text = text.value_or("");
    if (alert.text.empty() && entry_.find("cancels") == entry_.end())
      return "text: expected the text of the SMS";
    return {};
  }
  std::string readSeverity(IncomingAlert& alert) const {
    const auto found = entry_.find("severity");
    if (found == entry_.end() || found->is_null()) return {};
    bool wrong = false;
    const std::string word = textIn(entry_, "severity", wrong).value_or("");
    alert.severity = word == "0" ? 0 : severities_.of(word, -1);
    return wrong || alert.severity < 0 ? "severity: expected 1 (most severe) to 5, or a word such as critical"
                                       : "";
  }
  std::string readKeys(IncomingAlert& alert) const {
    bool wrong = false;
    alert.key = ownKey(textIn(entry_, "key", wrong).value_or(""));
    alert.cancels = ownKey(textIn(entry_, "cancels", wrong).value_or(""));
    return wrong ? "key, cancels: expected a text" : "";
  }
  std::string readExpiry(IncomingAlert& alert) const {
    bool wrong = false;
    const std::int64_t seconds = integerIn(entry_, "expires_in", wrong).value_or(0);
    if (wrong || seconds < 0 || seconds > std::numeric_limits<std::uint32_t>::max())
      return "expires_in: expected seconds";
    alert.expiresIn = static_cast<std::uint32_t>(seconds);
    return {};
  }

  const nlohmann::json& entry_;
  const std::vector<Target>& to_;
  const SeverityWords& severities_;
  bool wrong_ = false;
};

/// The members of a form; a name that is there several times is a list.
std::optional<nlohmann::json> readFormAsJson(std::string_view body) {
  const auto form = readForm(body);
  if (!form) return std::nullopt;
  auto object = nlohmann::json::object();
  for (const auto& [name, value] : form->entries()) {
    if (!text::isValid(name) || !text::isValid(value)) return std::nullopt;
    auto& member = object[name];
    if (member.is_null())
      member = value;
    else if (member.is_array())
      member.push_back(value);
    else
      member = {member, value};
  }
  return object;
}

bool isJson(std::string_view body) {
  const auto first = body.find_first_not_of(text::blanks);
  return first == std::string_view::npos || body[first] == '{' || body[first] == '[' || body[first] == '"';
}

}  // namespace

RequestRead readPlainAlerts(std::string_view body, const std::vector<Target>& to,
                            const SeverityWords& severities) {
  const auto document = isJson(body) ? readJson(body) : readFormAsJson(body);
  if (!document) return unreadable("the body is no valid JSON in UTF-8, or has too many values");
  RequestRead reading;
  reading.status = 200;
  const std::size_t entries = document->is_array() ? document->size() : 1;
  for (std::size_t at = 0; at < entries; ++at) {
    const auto& entry = document->is_array() ? (*document)[at] : *document;
    const std::string problem = AlertReader(entry, to, severities).into(reading.alerts);
    if (!problem.empty())
      return unreadable(entries == 1 ? problem : fmt::format("alert {}: {}", at + 1, problem));
    if (reading.alerts.size() > maxAlertsOfRequest) return unreadable("there are too many alerts", 413);
  }
  return reading;
}

std::string errorAsJson(const std::string& words) { return written({{"error", words}}); }

WebAnswer answerPlainAlerts(const SubmissionResult& result) {
  WebAnswer answer = statusFor(result);
  answer.type = jsonType;
  nlohmann::ordered_json document = nlohmann::ordered_json::object();
  if (const auto words = wordsFor(result); !words.empty()) document["error"] = words;
  if (result.problem.empty()) {
    auto& fates = document["fates"] = nlohmann::ordered_json::array();
    for (const auto& fate : result.fates) {
      nlohmann::ordered_json one = {{"result", nameOf(fate.result)}};
      if (!fate.why.empty()) one["why"] = fate.why;
      if (!fate.messages.empty()) one["messages"] = fate.messages;
      if (!fate.recipients.empty()) one["recipients"] = fate.recipients;
      fates.push_back(std::move(one));
    }
  }
  answer.body = written(document);
  return answer;
}

}  // namespace smsd::shapes
