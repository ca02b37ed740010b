// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/status/heartbeat-words.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "common/config/keys.h"
#include "common/text/age.h"
#include "common/text/utf.h"

namespace smsd::smsctl {
namespace {

using nlohmann::ordered_json;

bool isWatched(proto::Status::Reader status) { return status.getHeartbeatsProblem().size() == 0; }

std::string stateOf(proto::HeartbeatStatus::Reader one, bool watched) {
  if (!watched) return "unwatched";
  if (!one.getKnown()) return "starting";
  if (one.getMissing()) return "missing";
  return one.getCame() ? "comes" : "awaited";
}

std::string printed(std::uint64_t milliseconds) {
  return config::printDuration(config::Milliseconds(static_cast<std::int64_t>(milliseconds)));
}

std::string nameOf(proto::HeartbeatStatus::Reader one) { return text::printable(one.getName().cStr(), 31); }

ordered_json secondsIf(bool known, std::uint64_t seconds) {
  return known ? ordered_json(seconds) : ordered_json(nullptr);
}

}  // namespace

std::string heartbeatWords(proto::Status::Reader status) {
  std::string words;
  for (auto one : status.getHeartbeats()) {
    words += fmt::format("{}{} {}", words.empty() ? "" : ", ", nameOf(one), stateOf(one, isWatched(status)));
    if (one.getKnown() && one.getCame()) words += fmt::format(" (last {} ago)", text::age(one.getLastAgo()));
  }
  return words;
}

std::string heartbeatTable(proto::Status::Reader status) {
  std::string table;
  if (status.getHeartbeats().size() == 0)
    return "no heartbeat is expected: `heartbeats` in smsd.yaml names them\n";
  if (!isWatched(status))
    table +=
        fmt::format("no heartbeat is watched: {}\n", text::printable(status.getHeartbeatsProblem().cStr()));
  std::size_t widest = std::string_view("heartbeat").size();
  for (auto one : status.getHeartbeats()) widest = std::max(widest, nameOf(one).size());
  table += fmt::format("{:<{}}  {:<9} {:>8} {:>8} {:>8} {:>8} {:>8}\n", "heartbeat", widest, "state", "last",
                       "due in", "missing", "every", "grace");
  for (auto one : status.getHeartbeats()) {
    const auto age = [&](bool known, std::uint64_t seconds) {
      return one.getKnown() && known ? text::age(seconds) : std::string("-");
    };
    table += fmt::format("{:<{}}  {:<9} {:>8} {:>8} {:>8} {:>8} {:>8}\n", nameOf(one), widest,
                         stateOf(one, isWatched(status)), age(one.getCame(), one.getLastAgo()),
                         age(!one.getMissing(), one.getDueIn()), age(one.getMissing(), one.getMissingFor()),
                         printed(one.getEveryMs()), printed(one.getGraceMs()));
  }
  return table;
}

ordered_json heartbeatsAsJson(proto::Status::Reader status) {
  ordered_json list = ordered_json::array();
  for (auto one : status.getHeartbeats())
    list.push_back({{"name", nameOf(one)},
                    {"state", stateOf(one, isWatched(status))},
                    {"last_seconds", secondsIf(one.getKnown() && one.getCame(), one.getLastAgo())},
                    {"due_in_seconds", secondsIf(one.getKnown() && !one.getMissing(), one.getDueIn())},
                    {"missing_seconds", secondsIf(one.getKnown() && one.getMissing(), one.getMissingFor())},
                    {"every_seconds", static_cast<double>(one.getEveryMs()) / 1000},
                    {"grace_seconds", static_cast<double>(one.getGraceMs()) / 1000},
                    {"beats", one.getBeats()},
                    {"alerts", one.getAlerts()}});
  return list;
}

}  // namespace smsd::smsctl
