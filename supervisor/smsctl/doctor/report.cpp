// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/doctor/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/text/utf.h"
#include "supervisor/smsctl/doctor/checks.h"
#include "supervisor/smsctl/doctor/words.h"
#include "supervisor/smsctl/json.h"
#include "version.h"

namespace smsd::smsctl::doctor {
namespace {

using nlohmann::ordered_json;

constexpr int jsonFormat = 1;  // raised when a member changes its meaning

const char* levelName(Gravity level) { return level == Gravity::error ? "error" : "warning"; }

std::string shown(const std::string& words) { return text::printable(words, 600); }

}  // namespace

Report examine(const Facts& facts) {
  Report report;
  std::vector<GroupResult> all;
  for (auto check :
       {checkInstallation, checkFiles, checkDaemon, checkUnits, checkCredentials, checkQueue, checkOthers,
        checkSockets, checkDevices, checkCertificates, checkClock, checkDisk, checkLocks, checkCore})
    all.push_back(check(facts));
  std::set<std::string> ill;
  for (auto& checked : all)
    for (auto& finding : checked.findings) {
      ill.insert(faultNamed(finding.fault).group);
      report.findings.push_back(std::move(finding));
    }
  for (auto& checked : all) {
    for (auto& one : checked.unchecked) {
      if (facts.isRoot) one.because = Unchecked::Because::host;  // root may look at everything
      report.unchecked.push_back(std::move(one));
    }
    if (!checked.fine.empty() && !ill.contains(checked.group))
      report.fine.push_back({checked.group, std::move(checked.fine)});
  }
  std::ranges::stable_sort(report.findings, {},
                           [](const FoundFault& one) { return faultNamed(one.fault).level; });
  return report;
}

std::size_t Report::closed() const {
  return static_cast<std::size_t>(
      std::ranges::count(unchecked, Unchecked::Because::user, &Unchecked::because));
}

int Report::status() const {
  if (!findings.empty()) return 1;
  return closed() > 0 ? 2 : 0;
}

std::string textOf(const Report& report) {
  std::string text;
  for (const auto& one : report.findings)
    text += fmt::format("{:<8} {}: {}: {}\n{:>11} {}\n", levelName(faultNamed(one.fault).level), one.fault,
                        shown(one.about), shown(one.problem), "do:", shown(one.remedy));
  if (!report.findings.empty()) text += "\n";
  for (const auto& one : report.fine) text += fmt::format("fine     {}: {}\n", one.group, shown(one.words));
  for (const auto& one : report.unchecked)
    text += fmt::format("not checked: {}: {}\n{:>11} {}\n", shown(one.what), shown(one.why),
                        "how:", shown(one.how));
  const auto errors = std::ranges::count_if(
      report.findings, [](const FoundFault& one) { return faultNamed(one.fault).level == Gravity::error; });
  text += report.findings.empty()
              ? "doctor found nothing wrong"
              : fmt::format("doctor found {} and {}", counted(static_cast<std::size_t>(errors), "error"),
                            counted(report.findings.size() - static_cast<std::size_t>(errors), "warning"));
  if (const std::size_t closed = report.closed(); closed > 0)
    text += fmt::format(", but this user could not check {}: run it as root", counted(closed, "thing"));
  return text + "\n";
}

std::string jsonOf(const Report& report) {
  ordered_json findings = ordered_json::array(), fine = ordered_json::array(),
               unchecked = ordered_json::array();
  for (const auto& one : report.findings) {
    const auto& kind = faultNamed(one.fault);
    findings.push_back({{"fault", one.fault},
                        {"group", kind.group},
                        {"level", levelName(kind.level)},
                        {"about", one.about},
                        {"problem", one.problem},
                        {"remedy", one.remedy}});
  }
  for (const auto& one : report.fine) fine.push_back({{"group", one.group}, {"checked", one.words}});
  for (const auto& one : report.unchecked)
    unchecked.push_back({{"what", one.what},
                         {"why", one.why},
                         {"how", one.how},
                         {"because_of_this_user", one.because == Unchecked::Because::user}});
  return dump({{"format", jsonFormat},
               {"version", SMSD_VERSION},
               {"findings", findings},
               {"fine", fine},
               {"not_checked", unchecked}});
}

std::string textOfKinds() {
  std::string text;
  for (const auto& kind : faultKinds())
    text +=
        fmt::format("{:<22} {:<13} {:<8} {}\n", kind.name, kind.group, levelName(kind.level), kind.meaning);
  return text;
}

std::string jsonOfKinds() {
  ordered_json list = ordered_json::array();
  for (const auto& kind : faultKinds())
    list.push_back({{"fault", kind.name},
                    {"group", kind.group},
                    {"level", levelName(kind.level)},
                    {"meaning", kind.meaning}});
  return dump({{"format", jsonFormat}, {"faults", list}});
}

}  // namespace smsd::smsctl::doctor
