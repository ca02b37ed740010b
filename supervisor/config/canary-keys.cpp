// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/config/canary-keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "common/text/utf.h"
#include "supervisor/config/config.h"

namespace smsd::config {
namespace {

using std::chrono::minutes;

constexpr Bound<Milliseconds> intervals{10s, std::chrono::days(30)};
constexpr std::string_view placeholder = "{dispatcher}";
constexpr std::size_t longestRecipient = 64;  // MAX_RECIPIENT of proto/dispatcher.capnp
constexpr std::size_t longestText = 160;      // a canary is one SMS, and costs one

/// "07:30"
std::optional<minutes> hourOf(std::string_view text) {
  const auto digit = [&text](std::size_t at) { return text[at] - '0'; };
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  for (const std::size_t at : {0, 1, 3, 4})
    if (text[at] < '0' || text[at] > '9') return std::nullopt;
  const int hour = 10 * digit(0) + digit(1), minute = 10 * digit(3) + digit(4);
  if (hour > 23 || minute > 59) return std::nullopt;
  return std::chrono::hours(hour) + minutes(minute);
}

std::optional<std::string> problemOfHour(const std::string& at) {
  if (at.empty() || hourOf(at)) return std::nullopt;
  return "is no time of day, expected HH:MM in quotes, from \"00:00\" to \"23:59\"";
}

std::optional<std::string> problemOfInterval(Milliseconds every) {
  constexpr Milliseconds day = 24h;
  if (every < day ? day % every == 0ms && every % 1s == 0ms : every % day == 0ms) return std::nullopt;
  return fmt::format("is {}, expected whole days, or a part of a day, such as 1h, 6h or 12h",
                     printDuration(every));
}

std::optional<std::string> problemOfRecipient(const std::string& recipient) {
  if (recipient.size() <= longestRecipient && text::printable(recipient, longestRecipient) == recipient)
    return std::nullopt;
  return fmt::format("is no recipient, expected at most {} printable characters", longestRecipient);
}

/// Returns how many SMS a day the schedules cost.
int costADay(const Config& config) {
  int cost = 0;
  for (const auto& dispatcher : config.dispatchers)
    if (const auto order = canaryOf(config, dispatcher)) {
      constexpr std::chrono::seconds longestDay = 25h;  // in autumn
      cost += order->every >= 24h ? 1 : static_cast<int>((longestDay + order->every - 1s) / order->every);
    }
  return cost;
}

std::optional<std::string> problemOfCost(const Config& config) {
  const int cost = costADay(config);
  if (cost <= config.canary.maxPerDay) return std::nullopt;
  return fmt::format(
      "is {}, expected at least {}: the number of canaries that the schedules of all dispatchers "
      "can send on a day of 25 hours",
      config.canary.maxPerDay, cost);
}

}  // namespace

std::optional<CanaryOrder> canaryOf(const Config& config, const DispatcherConfig& dispatcher) {
  const CanaryConfig& all = config.canary;
  const CanaryOverrides& own = dispatcher.canary;
  CanaryOrder order{own.recipient.empty() ? all.recipient : own.recipient, all.text};
  const auto at = hourOf(own.at.empty() ? all.at : own.at);
  if (!own.enabled || order.recipient.empty() || !at) return std::nullopt;
  order.at = *at;
  order.every = std::chrono::floor<std::chrono::seconds>(own.every.value_or(all.every));
  if (const auto found = order.text.find(placeholder); found != std::string::npos)
    order.text.replace(found, placeholder.size(), dispatcher.name);
  return order;
}

void declareCanary(Keys& keys, Config& config) {
  CanaryConfig& canary = config.canary;
  keys.text("canary.recipient", canary.recipient,
            "the number that gets the canaries, the test SMS that smsd sends by itself; without it, only "
            "dispatchers with a canary.recipient of their own have canaries");
  keys.example("canary.recipient", "\"+4799887766\"");
  keys.text("canary.at", canary.at, "the time of day of the first canary, HH:MM in local time");
  keys.example("canary.at", "\"06:45\"");
  keys.duration("canary.every", canary.every, intervals,
                "the time between two canaries of a dispatcher: whole days, or a part of a day");
  keys.text("canary.text", canary.text,
            "the text of a canary; {dispatcher} stands for the dispatcher's name");
  keys.integer("canary.max_per_day", canary.maxPerDay, {1, 100'000},
               "the most canaries a day of all dispatchers together, those of an operator included");
  keys.rule("canary.recipient", [&canary]() { return problemOfRecipient(canary.recipient); });
  keys.rule("canary.at", [&canary]() -> std::optional<std::string> {
    if (canary.at.empty()) return "is empty, expected HH:MM";
    return problemOfHour(canary.at);
  });
  keys.rule("canary.every", [&canary]() { return problemOfInterval(canary.every); });
  keys.rule("canary.text", [&canary]() -> std::optional<std::string> {
    if (!canary.text.empty() && canary.text.size() <= longestText) return std::nullopt;
    return fmt::format("is {} bytes long, expected 1 to {}: a canary costs one SMS", canary.text.size(),
                       longestText);
  });
  keys.rule("canary.max_per_day", [&config]() { return problemOfCost(config); });
}

void declareCanaryOverrides(Keys& keys, CanaryOverrides& canary) {
  keys.flag("canary.enabled", canary.enabled, "whether this dispatcher has canaries, if there are any");
  keys.text("canary.recipient", canary.recipient,
            "the number that gets this dispatcher's canaries; default: canary.recipient");
  keys.example("canary.recipient", "\"+4799887766\"");
  keys.text("canary.at", canary.at, "the time of day of its first canary; default: canary.at");
  keys.example("canary.at", "\"06:45\"");
  keys.durationOr("default", "canary.every", canary.every, intervals,
                  "the time between two of its canaries; default: canary.every");
  keys.rule("canary.recipient", [&canary]() { return problemOfRecipient(canary.recipient); });
  keys.rule("canary.at", [&canary]() { return problemOfHour(canary.at); });
  keys.rule("canary.every", [&canary]() -> std::optional<std::string> {
    return canary.every ? problemOfInterval(*canary.every) : std::nullopt;
  });
}

}  // namespace smsd::config
