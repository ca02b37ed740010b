// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/new-project/new-project.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string_view>

#include "supervisor/config/config.h"
#include "supervisor/config/dispatcher-keys.h"
#include "supervisor/config/kinds.h"
#include "supervisor/smsctl/new-project/templates.h"

namespace smsd::smsctl {
namespace {

namespace fs = std::filesystem;

/// The folder below the default prefix of `cmake --install`, where an administrator's own workers belong.
constexpr std::string_view ownWorkers = "/usr/local/libexec/smsd";

using Words = std::map<std::string, std::string>;

std::optional<std::string_view> templateNamed(std::string_view name) {
  const auto* found = std::find_if(std::begin(templates), std::end(templates),
                                   [name](const auto& entry) { return entry.first == name; });
  if (found == std::end(templates)) return std::nullopt;
  return found->second;
}

/// Returns the template with each @WORD@ of `words` replaced.
std::string filled(std::string_view name, const Words& words) {
  const auto found = templateNamed(name);
  if (!found) throw std::logic_error("there is no template of this name");
  std::string text(*found);
  for (const auto& [word, value] : words)
    for (auto at = text.find("@" + word + "@"); at != std::string::npos;
         at = text.find("@" + word + "@", at + value.size()))
      text.replace(at, word.size() + 2, value);
  return text;
}

/// Appends the drop-ins for `openings` to `files`.
void addDropIns(std::vector<NewFile>& files, const fs::path& folder, const Openings& openings, Words words) {
  words["SMSD_DEVICE"] = openings.device;
  const auto add = [&](const char* name) {
    files.push_back(
        {folder / (std::string(name) + ".conf"), filled(std::string("unit/") + name, words), 0644});
  };
  if (openings.network == Opening::open) add("network");
  if (!openings.device.empty()) add("device");
  if (openings.state == Opening::open) add("state");
}

/// Returns the statements of policy() that leave open for the worker what the drop-ins open for its unit.
std::string policyOf(const Openings& openings) {
  std::string lines;
  if (openings.network == Opening::open)
    lines +=
        "    policy.network = smsd::sandbox::Network::outbound;\n"
        "    policy.readable = smsd::sandbox::resolverAndCertificates();\n";
  if (!openings.device.empty()) lines += fmt::format("    policy.devices = {{\"{}\"}};\n", openings.device);
  if (openings.state == Opening::open)
    lines += "    // A file in the current folder that exists by now: policy.writable = {\"name\"};\n";
  return lines;
}

std::vector<NewFile> inCplusplus(const NewArguments& arguments) {
  const std::string& kind = arguments.name;
  const Words words = {{"SMSD_KIND", kind}, {"SMSD_POLICY", policyOf(arguments.openings)}};
  std::vector<NewFile> files = {{"CMakeLists.txt", filled("c++/CMakeLists.txt", words), 0644},
                                {kind + ".cpp", filled("c++/dispatcher.cpp", words), 0644},
                                {kind + ".yaml", filled("c++/dispatcher.yaml", words), 0644},
                                {"README.md", filled("c++/README.md", words), 0644}};
  for (auto& unit : unitFiles(kind, arguments.openings))
    files.push_back({fs::path("units") / unit.path, std::move(unit.content), unit.mode});
  return files;
}

/// Returns the command that installs the drop-ins, for README.md.
std::string dropInsOf(const std::string& name) {
  return fmt::format("cp -r smsd-command@{}.service.d /etc/systemd/system\n", name);
}

std::vector<NewFile> ofKindCommand(const NewArguments& arguments, const std::string& folder,
                                   const std::string& suffix) {
  const std::string& name = arguments.name;
  const std::string& device = arguments.openings.device;
  const bool network = arguments.openings.network == Opening::open;
  const bool isOpen = network || !device.empty();
  const Words words = {{"SMSD_NAME", name},
                       {"SMSD_PROGRAM", name + suffix},
                       {"SMSD_KIND", "command"},
                       {"SMSD_WHOM", "the dispatcher " + name},
                       {"SMSD_INSTALL", isOpen ? dropInsOf(name) : ""},
                       {"SMSD_NETWORK", network ? "network: outbound\n" : ""},
                       {"SMSD_DEVICES", device.empty() ? "" : fmt::format("devices: [{}]\n", device)}};
  std::vector<NewFile> files = {{name + suffix, filled(folder + "/dispatcher" + suffix, words), 0755},
                                {name + ".yaml", filled(folder + "/dispatcher.yaml", words), 0644},
                                {"README.md", filled(folder + "/README.md", words), 0644},
                                {"check", filled("command/check", words), 0755}};
  addDropIns(files, "smsd-command@" + name + ".service.d", arguments.openings, words);
  return files;
}

/// Whether a unit and a configuration can name the device as it is.
bool isPlainDevice(const std::string& path) {
  const auto isPlain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/._-").find(c) != std::string_view::npos;
  };
  return path.starts_with("/dev/") && path.size() > 5 && path.find("..") == std::string::npos &&
         std::all_of(path.begin(), path.end(), isPlain);
}

/// In C++ the name is that of a kind, otherwise that of a dispatcher.
std::optional<std::string> problemOfName(const NewArguments& arguments) {
  if (arguments.language == Language::cplusplus) return config::problemOfKind(arguments.name);
  config::DispatcherConfig dispatcher;
  dispatcher.name = arguments.name;
  dispatcher.activation = config::Activation::socket;
  return config::problemOfName(dispatcher);
}

}  // namespace

std::vector<NewFile> unitFiles(const std::string& kind, const Openings& openings) {
  const Words words = {{"SMSD_KIND", kind},
                       {"SMSD_WHOM", "the workers of kind " + kind},
                       {"SMSD_WORKERS", std::string(ownWorkers)}};
  const std::string service = "smsd-" + kind + "@.service";
  std::vector<NewFile> files = {{service, filled("unit/service", words), 0644},
                                {"smsd-" + kind + "@.socket", filled("unit/socket", words), 0644}};
  if (templateNamed("unit/users"))
    files.push_back({service + ".d/users.conf", filled("unit/users", {}), 0644});
  addDropIns(files, service + ".d", openings, words);
  return files;
}

std::vector<NewFile> projectFiles(const NewArguments& arguments) {
  switch (arguments.language) {
    case Language::cplusplus:
      return inCplusplus(arguments);
    case Language::python:
      return ofKindCommand(arguments, "python", ".py");
    case Language::shell:
      return ofKindCommand(arguments, "shell", ".sh");
  }
  throw std::logic_error("there is no such language");
}

std::optional<std::string> problemOf(const NewArguments& arguments) {
  if (const auto problem = problemOfName(arguments)) return fmt::format("{}: {}", arguments.name, *problem);
  if (arguments.language != Language::cplusplus && arguments.openings.state == Opening::open)
    return "--state: expected it with --language c++ alone, because a program of kind command can make or "
           "change no file";
  if (!arguments.openings.device.empty() && !isPlainDevice(arguments.openings.device))
    return "--device: expected the path of a device below /dev, of letters, digits and / . _ -";
  return std::nullopt;
}

}  // namespace smsd::smsctl
