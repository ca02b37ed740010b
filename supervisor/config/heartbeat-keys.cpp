// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/config/heartbeat-keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "common/text/number-form.h"

namespace smsd::config {
namespace {

constexpr std::size_t longestName = 31;    // so that the text of the alert fits one SMS and NAV's column
constexpr std::size_t longestNumber = 15;  // characters in NAV's column

std::optional<std::string> problemOfName(const std::string& name) {
  const bool allowed = std::ranges::all_of(
      name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
  if (!name.empty() && name.size() <= longestName && allowed && name.front() != '-') return std::nullopt;
  return fmt::format("expected a name of a-z, 0-9 and -, of at most {} characters", longestName);
}

std::optional<std::string> problemOfNumber(const std::string& number) {
  if (number.size() <= longestNumber && !text::numberForm(number).empty()) return std::nullopt;
  return fmt::format("expected a phone number of at most {} characters", longestNumber);
}

std::string keyOf(std::size_t n, const char* key) { return fmt::format("heartbeats[{}].{}", n, key); }

}  // namespace

void declareHeartbeat(Keys& keys, HeartbeatConfig& heartbeat) {
  keys.text("name", heartbeat.name, "the heartbeat's name, for `smsctl heartbeat`: a-z, 0-9 and -",
            Presence::required);
  keys.example("name", "nav");
  keys.duration("every", heartbeat.every, {1s, std::chrono::days(7)}, "the interval in which it has to come");
  keys.duration("grace", heartbeat.grace, {0s, 24h}, "how much later it may come before an alert is sent");
  keys.text(
      "recipient", heartbeat.recipient,
      "a number that no telephone has: a message to it is a heartbeat, and no SMS leaves; without it, only "
      "`smsctl heartbeat` counts");
  keys.example("recipient", "\"+4700000001\"");
  keys.text("alert_to", heartbeat.alertTo, "the number that gets the alert", Presence::required);
  keys.example("alert_to", "\"+4799887766\"");
  keys.integer("severity", heartbeat.severity, {1, 1'000'000},
               "the severity of the alert; 1 is the most severe");
  keys.flag("all_clear", heartbeat.allClear, "also send an SMS when the heartbeat is back");
  keys.rule("name", [&heartbeat]() { return problemOfName(heartbeat.name); });
  keys.rule("alert_to", [&heartbeat]() { return problemOfNumber(heartbeat.alertTo); });
  keys.rule("recipient", [&heartbeat]() -> std::optional<std::string> {
    if (heartbeat.recipient.empty()) return std::nullopt;
    return problemOfNumber(heartbeat.recipient);
  });
}

std::vector<Problem> checkHeartbeats(const Keys& keys, const Config& config) {
  std::vector<Problem> problems;
  const auto& all = config.heartbeats;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string form = text::numberForm(all[i].recipient);
    for (std::size_t j = 0; j < all.size(); ++j) {
      if (j < i && all[i].name == all[j].name)
        problems.push_back(
            {keys.where(keyOf(i, "name")),
             fmt::format("a second heartbeat named {}, expected another name (the first is at {})",
                         all[i].name, keys.where(keyOf(j, "name")))});
      if (form.empty()) continue;
      if (j < i && form == text::numberForm(all[j].recipient))
        problems.push_back(
            {keys.where(keyOf(i, "recipient")),
             fmt::format("{}: is the number of the heartbeat {}, too, expected a number of its own",
                         keyOf(i, "recipient"), all[j].name)});
      if (form == text::numberForm(all[j].alertTo))
        problems.push_back(
            {keys.where(keyOf(i, "recipient")),
             fmt::format("{}: is the number that gets the alerts about {}: no SMS would leave to it, "
                         "expected a number that no telephone has",
                         keyOf(i, "recipient"), all[j].name)});
    }
  }
  return problems;
}

}  // namespace smsd::config
