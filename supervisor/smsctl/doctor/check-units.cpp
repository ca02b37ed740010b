// SPDX-License-Identifier: GPL-3.0-or-later
// The checks of what systemd runs and of what smsd itself reports: units, drop-ins, credentials.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "supervisor/smsctl/doctor/checks.h"
#include "supervisor/smsctl/doctor/words.h"
#include "version.h"

namespace smsd::smsctl::doctor {
namespace {

/// Walls that every service of smsd has, and no drop-in that comes with smsd takes away.
constexpr std::array<std::pair<const char*, const char*>, 13> walls{{
    {"NoNewPrivileges", "yes"},
    {"ProtectSystem", "strict"},
    {"ProtectHome", "yes"},
    {"ProtectProc", "invisible"},
    {"ProtectKernelTunables", "yes"},
    {"ProtectKernelModules", "yes"},
    {"ProtectControlGroups", "yes"},
    {"PrivateTmp", "yes"},
    {"RestrictSUIDSGID", "yes"},
    {"LockPersonality", "yes"},
    {"MemoryDenyWriteExecute", "yes"},
    {"CapabilityBoundingSet", ""},
    {"LimitCORE", "0"},
}};

bool isSocket(const UnitFacts& unit) { return unit.name.ends_with(".socket"); }
bool isService(const UnitFacts& unit) { return unit.name.ends_with(".service"); }

const UnitFacts* find(const SystemdFacts& systemd, const std::string& name) {
  const auto found = std::ranges::find(systemd.units, name, &UnitFacts::name);
  return found == systemd.units.end() ? nullptr : &*found;
}

void checkWalls(const UnitFacts& unit, GroupResult& checked) {
  std::vector<std::string> gone;
  for (const auto& [name, value] : walls) {
    const auto found = unit.properties.find(name);
    if (found != unit.properties.end() && found->second != value)
      gone.push_back(fmt::format("{}={} (shipped: {}={})", name, found->second, name, value));
  }
  if (gone.empty()) return;
  checked.findings.push_back(
      {"wall-missing", unit.name, fmt::format("{}", fmt::join(gone, ", ")),
       fmt::format("take the line out of {}, then: systemctl daemon-reload; systemctl restart {}",
                   unit.dropIns.empty() ? "the unit" : fmt::format("{}", fmt::join(unit.dropIns, " ")),
                   unit.name)});
}

void checkUnit(const UnitFacts& unit, const SystemdFacts& systemd, GroupResult& checked) {
  if (!unit.installed) {
    checked.findings.push_back({"unit-missing", unit.name, "systemd does not know this unit",
                                "install the package of its kind, or set `activation: spawn`"});
    return;
  }
  if (unit.active == "failed")
    checked.findings.push_back(
        {"unit-failed", unit.name, fmt::format("has failed ({})", unit.result),
         fmt::format("journalctl --unit={0} --lines=20; systemctl restart {0}", unit.name)});
  else if (isSocket(unit) && unit.active != "active")
    checked.findings.push_back({"unit-not-active", unit.name, fmt::format("is {}", unit.active),
                                fmt::format("systemctl enable --now {}", unit.name)});
  const bool byTarget = systemd.targetEnabled && unit.name == "smsd.service";
  if (unit.active == "active" && unit.enabled == "disabled" && !byTarget)
    checked.findings.push_back({"unit-not-enabled", unit.name,
                                "runs now, but is not started at the next boot",
                                fmt::format("systemctl enable {}", unit.name)});
  if (unit.needsReload)
    checked.findings.push_back({"unit-not-reloaded", unit.name,
                                "its files have changed since systemd read them",
                                fmt::format("systemctl daemon-reload; systemctl restart {}", unit.name)});
  if (isService(unit)) checkWalls(unit, checked);
}

/// Why units cannot be judged; empty: they can.
std::string whyNoUnits(const Facts& facts) {
  if (!facts.systemd.runs) return "no systemd runs here, or smsd.service is not installed";
  if (!facts.systemd.ofThisConfig) return fmt::format("smsd.service does not use {}", facts.config.string());
  return "";
}

/// Names the credential as LoadCredential= has it. An absolute path is not one.
bool isCredential(const config::NamedFile& file) { return file.path.is_relative(); }

void checkCredentialsOf(const DispatcherFacts& dispatcher, const UnitFacts& unit, GroupResult& checked) {
  for (const auto& file : dispatcher.named) {
    if (!isCredential(file) || unit.credentials.contains(file.path.string())) continue;
    checked.findings.push_back(
        {"credential-missing", unit.name,
         fmt::format("{} names the file of {}, which the unit does not pass to its worker",
                     dispatcher.file.string(), file.key),
         fmt::format("systemctl edit {0}, with the lines: [Service] LoadCredential=NAME:{1}/NAME; then: "
                     "systemctl restart {0}",
                     unit.name, dispatcher.file.parent_path().string())});
  }
  for (const auto& name : unit.missingSources)
    checked.findings.push_back(
        {"credential-unreadable", unit.name,
         fmt::format("there is no {} for its credential {}", unit.credentials.at(name).string(), name),
         fmt::format("write that file (root, mode 0600), then: systemctl restart {}", unit.name)});
}

/// Another finding names the reason why it has no worker.
bool hasIllUnit(const Facts& facts, const std::string& name) {
  const auto dispatcher = std::ranges::find(facts.dispatchers, name, &DispatcherFacts::name);
  if (dispatcher == facts.dispatchers.end() || !dispatcher->bySystemd || !whyNoUnits(facts).empty())
    return false;
  const auto* service = find(facts.systemd, unitOf(*dispatcher) + ".service");
  const auto* socket = find(facts.systemd, unitOf(*dispatcher) + ".socket");
  const auto file = std::ranges::find(facts.sockets, name, &SocketFacts::dispatcher);
  return (service != nullptr &&
          (!service->installed || service->active == "failed" || !service->missingSources.empty())) ||
         (socket != nullptr && (!socket->installed || socket->active != "active")) ||
         (file != facts.sockets.end() && (!file->there || !file->listening));
}

}  // namespace

GroupResult checkDaemon(const Facts& facts) {
  GroupResult checked{"daemon"};
  const auto& daemon = facts.daemon;
  using Answer = DaemonFacts::Answer;
  if (daemon.answer == Answer::notRunning) {
    checked.findings.push_back({"smsd-not-running", facts.config.string(), daemon.words,
                                facts.systemd.ofThisConfig
                                    ? "systemctl start smsd; journalctl --unit=smsd --lines=20"
                                    : fmt::format("smsd --config {}", quoted(facts.config.string()))});
    return checked;
  }
  if (daemon.answer == Answer::silent) {
    checked.findings.push_back(
        {"smsd-hangs", daemon.pid == 0 ? "smsd" : fmt::format("smsd, pid {}", daemon.pid), daemon.words,
         facts.systemd.ofThisConfig ? "systemctl restart smsd" : ctl(facts, "status")});
    return checked;
  }
  if (daemon.answer != Answer::yes) {
    checked.unchecked.push_back({"what smsd reports", daemon.words, asRoot(facts, "doctor")});
    return checked;
  }
  for (const auto& trouble : daemon.troubles)
    checked.findings.push_back({"smsd-unhealthy", "smsd", trouble, ctl(facts, "status")});
  for (const auto& dispatcher : daemon.dispatchers)
    if (dispatcher.broken && dispatcher.reason.find("require_lock") == std::string::npos)
      checked.findings.push_back(
          {"dispatcher-broken", dispatcher.name, dispatcher.reason,
           fmt::format("repair it, then: {}", ctl(facts, "dispatcher restart " + dispatcher.name))});
  for (const auto& dispatcher : daemon.dispatchers)
    if (dispatcher.resting && !hasIllUnit(facts, dispatcher.name))
      checked.findings.push_back({"dispatcher-resting", dispatcher.name, dispatcher.reason,
                                  ctl(facts, "dispatcher resume " + quoted(dispatcher.name))});
  if (daemon.version != SMSD_VERSION)
    checked.findings.push_back({"other-build", "smsd",
                                fmt::format("smsd is {}, and smsctl is {}", daemon.version, SMSD_VERSION),
                                "systemctl restart smsd, or upgrade the package of both"});
  checked.fine = fmt::format("smsd {}, pid {}, with {}", daemon.version, daemon.pid,
                             counted(daemon.dispatchers.size(), "dispatcher"));
  return checked;
}

GroupResult checkUnits(const Facts& facts) {
  GroupResult checked{"units"};
  if (const auto why = whyNoUnits(facts); !why.empty()) {
    checked.unchecked.push_back(
        {"units", why, "run doctor where systemd runs smsd", Unchecked::Because::host});
    return checked;
  }
  for (const auto& unit : facts.systemd.units) checkUnit(unit, facts.systemd, checked);
  std::size_t dropIns = 0;
  for (const auto& unit : facts.systemd.units) dropIns += unit.dropIns.size();
  checked.fine =
      fmt::format("{} and {}", counted(facts.systemd.units.size(), "unit"), counted(dropIns, "drop-in"));
  return checked;
}

GroupResult checkCredentials(const Facts& facts) {
  GroupResult checked{"credentials"};
  if (!whyNoUnits(facts).empty()) return checked;
  std::size_t credentials = 0;
  for (const auto& dispatcher : facts.dispatchers) {
    if (!dispatcher.bySystemd) continue;
    const auto* unit = find(facts.systemd, unitOf(dispatcher) + ".service");
    if (unit == nullptr || !unit->installed) continue;
    checkCredentialsOf(dispatcher, *unit, checked);
    credentials += unit->credentials.size();
    if (!dispatcher.fileRead)
      checked.unchecked.push_back({fmt::format("the credentials of {}", dispatcher.name),
                                   fmt::format("this user cannot read {}", dispatcher.file.string()),
                                   asRoot(facts, "doctor")});
  }
  checked.fine = credentials == 0 ? "" : counted(credentials, "credential");
  return checked;
}

}  // namespace smsd::smsctl::doctor
