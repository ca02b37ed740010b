// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/shapes/alertmanager.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "clients/shapes/dedupe-key.h"
#include "clients/shapes/json.h"

namespace smsd::shapes {
namespace {

constexpr std::size_t maxLabels = 256;            // of one alert, as many annotations
constexpr std::size_t maxLabelBytes = 16 * 1024;  // of a name or a value; a longer one is cut

/// The events of the parser (nlohmann's SAX interface). Returning false ends the reading.
class WebhookReader {
 public:
  explicit WebhookReader(const AlertmanagerRules& rules) : rules_(rules) {}

  bool null() { return true; }
  bool boolean(bool) { return true; }
  bool number_integer(std::int64_t) { return true; }
  bool number_unsigned(std::uint64_t value) {
    if (depth_ == 1 && keys_[0] == "truncatedAlerts") truncated = value;
    return true;
  }
  bool number_float(double, const std::string&) { return true; }
  bool binary(std::vector<std::uint8_t>&) { return true; }
  bool string(std::string& value) {
    takeText(value);
    return true;
  }
  bool start_object(std::size_t) { return open('{'); }
  bool start_array(std::size_t) { return open('['); }
  bool key(std::string& name) {
    if (depth_ <= keys_.size()) keys_[depth_ - 1] = std::move(name);
    return true;
  }
  bool end_object() {
    const bool whole = isAlert();
    --depth_;
    return !whole || endAlert();
  }
  bool end_array() {
    --depth_;
    return true;
  }
  template <typename Fault>
  bool parse_error(std::size_t, const std::string&, const Fault&) {
    return false;
  }

  std::string problem;
  bool hasAlerts = false;
  std::vector<IncomingAlert> alerts;  // `key` is that of the alert within its group, as yet
  std::vector<bool> resolved;
  std::string receiver, groupKey;
  std::uint64_t truncated = 0;  // alerts that the sender left out

 private:
  bool open(char bracket) {
    if (depth_ == maxJsonDepth) return refuse("the document is nested too deeply");
    kinds_[depth_++] = bracket;
    if (depth_ == 1 && bracket != '{') return refuse("expected an object");
    if (depth_ == 2 && bracket == '[' && keys_[0] == "alerts") hasAlerts = true;
    if (isAlert()) alert_ = {};
    if (isAlert()) fingerprint_.clear(), status_.clear();
    return true;
  }
  bool refuse(const char* why) {
    problem = why;
    return false;
  }
  /// Whether the innermost open bracket is an entry of `alerts`.
  bool isAlert() const { return depth_ == 3 && kinds_[1] == '[' && kinds_[2] == '{' && keys_[0] == "alerts"; }
  bool isInAlert() const {
    return depth_ == 4 && kinds_[1] == '[' && kinds_[2] == '{' && kinds_[3] == '{' && keys_[0] == "alerts";
  }

  void takeText(std::string& value) {
    if (isInAlert() && keys_[2] == "labels")
      takeLabel(alert_.labels, value);
    else if (isInAlert() && keys_[2] == "annotations")
      takeLabel(alert_.annotations, value);
    else if (std::string* place = placeOfText())
      *place = std::move(value);
  }
  /// The place of a text outside of labels and annotations; none if it has no meaning here.
  std::string* placeOfText() {
    const std::string& name = depth_ == 1 ? keys_[0] : keys_[2];
    if (depth_ == 1 && name == "receiver") return &receiver;
    if (depth_ == 1 && name == "groupKey") return &groupKey;
    if (!isAlert()) return nullptr;
    if (name == "fingerprint") return &fingerprint_;
    if (name == "startsAt") return &alert_.startsAt;
    return name == "status" ? &status_ : nullptr;
  }
  void takeLabel(Labels& labels, std::string& value) {
    if (labels.size() == maxLabels || keys_[3].size() > maxLabelBytes) return;
    if (value.size() > maxLabelBytes) value.resize(maxLabelBytes);
    labels[keys_[3]] = std::move(value);
  }

  /// The labels name the alert if the sender gives no fingerprint.
  std::string nameOfAlert() const {
    if (!fingerprint_.empty()) return fingerprint_;
    std::string all;
    for (const auto& [name, value] : alert_.labels) all += keyOf("", {name, value});
    return all;
  }
  bool endAlert() {
    if (alerts.size() == maxAlertsOfRequest) return refuse("there are too many alerts in one request");
    alert_.resolved = status_ == "resolved";
    IncomingAlert one;
    if (!alert_.resolved || rules_.sendResolved)
      one.text = (alert_.resolved ? rules_.resolved : rules_.firing).fill(alert_);
    const auto label = alert_.labels.find(rules_.severityLabel);
    one.severity = label == alert_.labels.end() ? rules_.otherwise
                                                : rules_.severities.of(label->second, rules_.otherwise);
    one.key = keyOf("", {nameOfAlert(), alert_.startsAt});
    alerts.push_back(std::move(one));
    resolved.push_back(alert_.resolved);
    return true;
  }

  const AlertmanagerRules& rules_;
  std::array<char, maxJsonDepth> kinds_{};
  std::array<std::string, 4> keys_;  // the last key of each of the outer levels
  std::size_t depth_ = 0;
  AlertFacts alert_;
  std::string fingerprint_, status_;
};

/// Names the number of alerts that the sender left out. As severe as the most severe alert that is there.
IncomingAlert alertOfTruncated(const WebhookReader& read) {
  IncomingAlert alert;
  alert.text = fmt::format("{} more alerts were left out of a group (max_alerts)", read.truncated);
  for (const auto& one : read.alerts)
    if (one.severity > 0 && (alert.severity == 0 || one.severity < alert.severity))
      alert.severity = one.severity;
  alert.key = keyOf("am-", {read.receiver, read.groupKey, std::to_string(read.truncated), "truncated"});
  return alert;
}

/// Gives each alert its whole key, and its recipients.
std::vector<IncomingAlert> addressed(WebhookReader& read, const std::vector<Target>& to) {
  std::vector<IncomingAlert> all;
  all.reserve((read.alerts.size() + 1) * to.size());
  const IncomingAlert truncated = alertOfTruncated(read);
  for (std::size_t at = 0; at < read.alerts.size(); ++at) {
    IncomingAlert& alert = read.alerts[at];
    const std::string firing = keyOf("am-", {read.receiver, read.groupKey, alert.key, "firing"});
    if (read.resolved[at]) alert.cancels = firing;
    alert.key =
        read.resolved[at] ? keyOf("am-", {read.receiver, read.groupKey, alert.key, "resolved"}) : firing;
    for (std::size_t other = 1; other < to.size(); ++other) {
      alert.to = to[other];
      all.push_back(alert);
    }
    alert.to = to.front();
    all.push_back(std::move(alert));
  }
  if (read.truncated > 0)
    for (const auto& target : to) {
      all.push_back(truncated);
      all.back().to = target;
    }
  return all;
}

}  // namespace

RequestRead readAlertmanager(std::string_view body, const std::vector<Target>& to,
                             const AlertmanagerRules& rules) {
  if (to.empty()) return unreadable("expected who gets the alerts, as in /alertmanager?to=GROUP");
  WebhookReader reader(rules);
  if (!nlohmann::json::sax_parse(body.begin(), body.end(), &reader))
    return unreadable(reader.problem.empty() ? "the body is no valid JSON in UTF-8" : reader.problem);
  if (!reader.hasAlerts) return unreadable("expected a webhook of Alertmanager with a list `alerts`");
  if (reader.alerts.size() * to.size() > maxAlertsOfRequest)
    return unreadable("there are too many alerts and recipients in one request", 413);
  return {addressed(reader, to), {}, 200};
}

WebAnswer answerAlertmanager(const SubmissionResult& result) {
  WebAnswer answer = statusFor(result);
  if (answer.status == 429) answer.status = 503;
  const std::string words = wordsFor(result);
  answer.body = words.empty() ? "accepted\n" : words + "\n";
  return answer;
}

}  // namespace smsd::shapes
