// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/status/dispatcher-table.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/text/age.h"
#include "common/text/utf.h"
#include "supervisor/config/kinds.h"
#include "supervisor/smsctl/status/names.h"

namespace smsd::smsctl {
namespace {

/// Returns when a dispatcher in trouble is tried again.
std::string nextTry(proto::DispatcherStatus::Reader one) {
  if (one.getNextProbe() > 0) return fmt::format("; next try in {}", text::age(one.getNextProbe()));
  const bool waits =
      one.getState() == proto::DispatcherState::RESTING || one.getState() == proto::DispatcherState::BROKEN;
  return waits ? "; next try with the next SMS" : "";
}

/// Returns a line if the worker is one of smsd's own and of another build than smsd; otherwise nothing.
std::string otherBuild(proto::DispatcherStatus::Reader one, std::string_view version) {
  constexpr std::string_view ours = "smsd-worker ";
  const std::string_view software = one.getSoftware().cStr();
  if (!config::isBuiltIn(one.getKind().cStr()) || !software.starts_with(ours) ||
      software.substr(ours.size()) == version)
    return "";
  return fmt::format("               its worker is of another build than smsd: {}; upgrade its package\n",
                     text::printable(software));
}

}  // namespace

std::string canaryWords(proto::CanaryStatus::Reader canary) {
  if (!canary.getEnabled()) return "";
  std::string words = "none yet";
  const std::string result = text::printable(canary.getResult().cStr());
  if (!result.empty()) {
    words = fmt::format("{} {} ago", result, text::age(canary.getAgo()));
    if (result != "not tried") words += fmt::format(" after {} ms", canary.getTookMs());
    if (result != "accepted") words += ": " + text::printable(canary.getWords().cStr());
  }
  return words + (canary.getNextIn() == 0 ? "; next one due"
                                          : fmt::format("; next in {}", text::age(canary.getNextIn())));
}

std::string dispatcherTable(capnp::List<proto::DispatcherStatus>::Reader dispatchers,
                            std::string_view version) {
  std::string table;
  std::size_t widest = 6;
  for (auto one : dispatchers) widest = std::max<std::size_t>(widest, one.getKind().size());
  table += (fmt::format("{:<14} {:<{}} {:<9} {:>8} {:>8} {:>6} {:>9} {:>8} {:>9} {:>7} {:>8}\n", "dispatcher",
                        "kind", widest, "state", "for", "worker", "in use", "accepted", "refused", "deferred",
                        "broken", "unknown"));
  for (auto one : dispatchers) {
    table += (fmt::format(
        "{:<14} {:<{}} {:<9} {:>8} {:>8} {:>6} {:>9} {:>8} {:>9} {:>7} {:>8}\n", one.getName().cStr(),
        one.getKind().cStr(), widest, stateName(one.getState()), text::age(one.getSince()),
        one.getWorkerPid() == 0 ? "-" : std::to_string(one.getWorkerPid()), one.getUnderWay(),
        one.getAccepted(), one.getRefused(), one.getDeferred(), one.getBroken(), one.getUnknown()));
    if (one.getReason().size() > 0)
      table += (fmt::format("               {}{}{}\n",
                            one.getState() == proto::DispatcherState::READY
                                ? fmt::format("last trouble, {} ago: ", text::age(one.getTroubleAgo()))
                                : "",
                            text::printable(one.getReason().cStr()), nextTry(one)));
    table += (otherBuild(one, version));
    if (one.getNotUnderstood() > 0)
      table += (fmt::format(
          "               to correct: its configuration did not cover {} answer{}, the last one: {}\n",
          one.getNotUnderstood(), one.getNotUnderstood() == 1 ? "" : "s",
          text::printable(one.getLastNotUnderstood().cStr())));
    if (const auto words = canaryWords(one.getCanary()); !words.empty())
      table += fmt::format("               canary {}\n", words);
    std::string details;
    for (auto detail : one.getDetails())
      details += fmt::format("{}{} {}", details.empty() ? "" : ", ", detail.getName().cStr(),
                             detail.getValue().cStr());
    if (!details.empty())
      table += (fmt::format("               {} ({} ago)\n", text::printable(details),
                            text::age(one.getDetailsAgo())));
  }
  return table;
}

}  // namespace smsd::smsctl
