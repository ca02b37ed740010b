// SPDX-License-Identifier: GPL-3.0-or-later
// Looks at units as systemd has them, by one call of systemctl.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/timex.h>

#include <sstream>

#include "common/files/regular-file.h"
#include "supervisor/smsctl/doctor/sources.h"
#include "supervisor/smsctl/doctor/words.h"
#include "supervisor/smsctl/run-program.h"

namespace smsd::smsctl::doctor {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t mostOfAUnit = 1 << 20;
constexpr const char* target = "smsd.target";

/// A property that a type of unit does not have is left out by systemctl. LoadCredential= is never shown.
constexpr const char* properties =
    "Id,LoadState,ActiveState,UnitFileState,Result,NeedDaemonReload,DropInPaths,FragmentPath,MainPID,User,"
    "ExecStart,"
    "NoNewPrivileges,ProtectSystem,ProtectHome,ProtectProc,ProtectKernelTunables,"
    "ProtectKernelModules,ProtectControlGroups,PrivateTmp,RestrictSUIDSGID,LockPersonality,"
    "MemoryDenyWriteExecute,CapabilityBoundingSet,LimitCORE";

std::vector<std::string> wordsOf(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

int numberOf(const std::string& text) {
  int number = 0;
  std::istringstream(text) >> number;
  return number;
}

void take(UnitFacts& unit, const std::string& key, const std::string& value) {
  if (key == "Id") unit.name = value;
  if (key == "LoadState") unit.installed = value == "loaded";
  if (key == "ActiveState") unit.active = value;
  if (key == "UnitFileState") unit.enabled = value;
  if (key == "Result") unit.result = value;
  if (key == "NeedDaemonReload") unit.needsReload = value == "yes";
  if (key == "DropInPaths") unit.dropIns = wordsOf(value);
  if (key == "MainPID") unit.mainPid = numberOf(value);
  unit.properties[key] = value;
}

/// Replaces the specifiers that a path of a credential may have: %i, and %% for a percent sign.
std::string resolved(const std::string& text, const std::string& unit) {
  const auto at = unit.find('@');
  const std::string instance = at == std::string::npos ? "" : unit.substr(at + 1, unit.rfind('.') - at - 1);
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool specifier = text[i] == '%' && i + 1 < text.size();
    if (specifier && text[i + 1] == 'i')
      result += instance;
    else
      result += text[i];
    if (specifier) ++i;
  }
  return result;
}

}  // namespace

void takeCredentials(UnitFacts& unit, const std::string& file) {
  std::istringstream stream(file);
  for (std::string line; std::getline(stream, line);)
    for (const std::string key :
         {"LoadCredential=", "LoadCredentialEncrypted=", "SetCredential=", "SetCredentialEncrypted="}) {
      if (!line.starts_with(key)) continue;
      const std::string value = resolved(line.substr(key.size()), unit.name);
      const auto colon = value.find(':');
      const bool isFile = key.starts_with("Load") && colon != std::string::npos;
      if (value.empty())
        unit.credentials.clear();  // so begins a drop-in that replaces the list
      else
        unit.credentials[value.substr(0, colon)] = isFile ? value.substr(colon + 1) : "";
    }
}

std::vector<UnitFacts> parseUnits(const std::string& shown) {
  std::vector<UnitFacts> units;
  std::istringstream stream(shown);
  bool isFirst = true;
  for (std::string line; std::getline(stream, line);) {
    if (line.empty()) {
      isFirst = true;
      continue;
    }
    if (std::exchange(isFirst, false)) units.emplace_back();
    if (const auto equals = line.find('='); equals != std::string::npos)
      take(units.back(), line.substr(0, equals), line.substr(equals + 1));
  }
  return units;
}

SystemdFacts lookAtSystemd(const fs::path& config, const std::vector<DispatcherFacts>& dispatchers) {
  SystemdFacts facts;
  std::error_code error;
  if (!fs::exists("/run/systemd/system", error)) return facts;
  ProgramCall call{
      {"systemctl", "show", "--no-pager", fmt::format("--property={}", properties), "smsd.service", target}};
  for (const auto& dispatcher : dispatchers)
    if (dispatcher.bySystemd)
      for (const char* ending : {".socket", ".service"}) call.words.push_back(unitOf(dispatcher) + ending);
  const auto shown = outputOf(call);
  if (!shown) return facts;
  facts.units = parseUnits(*shown);
  std::erase_if(facts.units, [&](const UnitFacts& unit) {
    if (unit.name != target) return false;
    facts.targetEnabled = unit.enabled == "enabled";
    return true;
  });
  facts.runs = !facts.units.empty() && facts.units.front().installed;
  if (!facts.runs) return facts;
  facts.ofThisConfig = facts.units.front().properties["ExecStart"].find("--config " + config.string() +
                                                                        " ") != std::string::npos;
  for (auto& unit : facts.units) {
    std::vector<std::string> files = {unit.properties["FragmentPath"]};
    files.insert(files.end(), unit.dropIns.begin(), unit.dropIns.end());
    for (const auto& path : files)
      if (const auto text = files::readRegular(path, mostOfAUnit, error)) takeCredentials(unit, *text);
    for (const auto& [name, source] : unit.credentials)
      if (source.is_absolute() && fs::symlink_status(source, error).type() == fs::file_type::not_found)
        unit.missingSources.insert(name);
  }
  return facts;
}

std::string userOfUnit(const SystemdFacts& systemd) {
  if (!systemd.ofThisConfig) return "";
  const auto& properties = systemd.units.front().properties;
  const auto found = properties.find("User");
  return found == properties.end() ? "" : found->second;
}

std::optional<bool> isSynchronised() {
  std::error_code error;
  if (!fs::exists("/run/systemd/system", error) || fs::exists("/run/systemd/container", error))
    return std::nullopt;
  timex clock{};  // modes 0: reads only
  return adjtimex(&clock) != TIME_ERROR;
}

}  // namespace smsd::smsctl::doctor
