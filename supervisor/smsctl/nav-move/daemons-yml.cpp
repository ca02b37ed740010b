// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/nav-move/daemons-yml.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <string_view>

namespace smsd::smsctl::move {
namespace {

constexpr std::string_view first =
    "# smsd(8) sends the SMS: smsctl took these lines out, and `smsctl config import-nav --undo --apply` "
    "puts "
    "them back.";
constexpr std::string_view last = "# End of the lines that smsctl took out.";

using Daemons = std::map<std::string, std::string>;  // the command by name

std::optional<Daemons> daemonsIn(const std::string& text) {
  try {
    const YAML::Node list = YAML::Load(text)["daemons"];
    if (!list) return std::nullopt;
    Daemons daemons;
    if (!list.IsMap()) return list.IsNull() ? std::optional(daemons) : std::nullopt;
    for (const auto& entry : list) {
      const YAML::Node command = entry.second.IsMap() ? entry.second["command"] : YAML::Node();
      daemons[entry.first.as<std::string>()] =
          command && command.IsScalar() ? command.as<std::string>() : std::string();
    }
    return daemons;
  } catch (const YAML::Exception&) {
    return std::nullopt;
  }
}

bool isSmsd(const std::string& name, const std::string& command) {
  const std::string program = command.substr(0, command.find(' '));
  const std::string base = program.substr(program.find_last_of('/') + 1);
  return base == "smsd" || base == "smsd.py" || (name == "smsd" && base.empty());
}

std::vector<std::string> linesOf(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = std::min(text.find('\n', from), text.size() - 1);
    lines.push_back(text.substr(from, end + 1 - from));
    from = end + 1;
  }
  return lines;
}

std::size_t indentOf(const std::string& line) { return std::min(line.find_first_not_of(' '), line.size()); }

bool isBlankOrComment(const std::string& line) {
  const std::size_t at = line.find_first_not_of(" \t\r\n");
  return at == std::string::npos || line[at] == '#';
}

bool isKey(const std::string& line, const std::vector<std::string>& names) {
  const std::string_view content = std::string_view(line).substr(indentOf(line));
  return std::ranges::any_of(names, [&](const std::string& name) {
    return content.starts_with(name + ":") || content.starts_with("'" + name + "':") ||
           content.starts_with("\"" + name + "\":");
  });
}

/// Returns the number of lines of the entry at `at`: up to its last line that is indented further than it.
std::size_t lengthOf(const std::vector<std::string>& lines, std::size_t at) {
  std::size_t length = 1;
  for (std::size_t next = at + 1; next < lines.size(); ++next) {
    if (isBlankOrComment(lines[next])) continue;
    if (indentOf(lines[next]) <= indentOf(lines[at])) break;
    length = next - at + 1;
  }
  return length;
}

std::string endedLine(std::string line) {
  if (!line.ends_with('\n')) line += '\n';
  return line;
}

}  // namespace

std::optional<std::vector<std::string>> listedSmsd(const std::string& text) {
  const auto daemons = daemonsIn(text);
  if (!daemons) return std::nullopt;
  std::vector<std::string> names;
  for (const auto& [name, command] : *daemons)
    if (isSmsd(name, command)) names.push_back(name);
  return names;
}

std::optional<std::string> withoutSmsd(const std::string& text) {
  const auto names = listedSmsd(text);
  if (!names || names->empty()) return std::nullopt;
  const auto lines = linesOf(text);
  std::string result;
  for (std::size_t at = 0; at < lines.size();) {
    if (!isKey(lines[at], *names) || isBlankOrComment(lines[at]) || indentOf(lines[at]) == 0) {
      result += lines[at++];
      continue;
    }
    const std::string indent(indentOf(lines[at]), ' ');
    result += indent + std::string(first) + "\n";
    for (const std::size_t end = at + lengthOf(lines, at); at < end; ++at)
      result += "#" + endedLine(lines[at]);
    result += indent + std::string(last) + "\n";
  }
  auto expected = *daemonsIn(text);
  for (const auto& name : *names) expected.erase(name);
  // NAV fails on a list without any daemon.
  if (expected.empty() || daemonsIn(result) != expected) return std::nullopt;
  return result;
}

std::optional<std::string> withSmsdAgain(const std::string& text) {
  std::string result;
  bool inside = false, found = false;
  for (const auto& line : linesOf(text)) {
    if (line.find(first) != std::string::npos) {
      inside = found = true;
    } else if (inside && line.find(last) != std::string::npos) {
      inside = false;
    } else {
      result += inside && line.starts_with('#') ? line.substr(1) : line;
    }
  }
  if (!found || inside) return std::nullopt;
  const auto names = listedSmsd(result);
  if (!names || names->empty()) return std::nullopt;
  return result;
}

}  // namespace smsd::smsctl::move
