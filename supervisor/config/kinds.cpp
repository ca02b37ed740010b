// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/config/kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/config/values.h"
#include "supervisor/config/config.h"

namespace smsd::config {
namespace {

// smsd's own programs beside its workers, and its own sockets in /run/smsd (socket-names.h).
constexpr std::array<std::string_view, 5> reserved = {"control", "exporter", "groups", "intake", "status"};

bool hasForm(std::string_view name) {
  const auto isLetter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !name.empty() && name.size() <= ownKinds::mostName && isLetter(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return isLetter(c) || (c >= '0' && c <= '9') || c == '-'; });
}

std::vector<std::string> namesOfKinds() {
  std::vector<std::string> names;
  for (const auto& kind : builtInKinds()) names.push_back(kind.name);
  return names;
}

}  // namespace

const std::vector<Kind>& builtInKinds() {
  // The bounds of the keys `window` and `backlog` in a dispatcher's file (tests/unit/documentation compares
  // them).
  static const std::vector<Kind> kinds = {{"gammu", 1, 1},    {"http", 256, 4096},   {"soap", 256, 4096},
                                          {"mail", 16, 4096}, {"debug", 4096, 4096}, {"command", 256, 4096}};
  return kinds;
}

bool isBuiltIn(std::string_view kind) {
  const auto& kinds = builtInKinds();
  return std::any_of(kinds.begin(), kinds.end(), [kind](const Kind& one) { return one.name == kind; });
}

std::vector<std::string> takenNames() {
  auto names = namesOfKinds();
  names.insert(names.end(), reserved.begin(), reserved.end());
  return names;
}

Kind kindNamed(std::string_view name, std::optional<int> window) {
  const auto& kinds = builtInKinds();
  auto found =
      std::find_if(kinds.begin(), kinds.end(), [name](const Kind& kind) { return kind.name == name; });
  if (found != kinds.end()) return *found;
  return {std::string(name), static_cast<unsigned>(window.value_or(ownKinds::defaultWindow)),
          ownKinds::backlog};
}

Kind kindFor(const DispatcherConfig& dispatcher) { return kindNamed(dispatcher.kind, dispatcher.window); }

std::optional<std::string> problemOfKind(std::string_view name) {
  if (!hasForm(name)) {
    const auto near = closest(name, namesOfKinds());
    return fmt::format(
        "is not the name of a kind, expected a-z, 0-9 and -, starting with a letter, at most {} characters{}",
        ownKinds::mostName, near ? fmt::format(": did you mean {}?", *near) : "");
  }
  if (std::find(reserved.begin(), reserved.end(), name) == reserved.end()) return std::nullopt;
  return fmt::format("is {}, expected another name: smsd reserves {} for a program of its own", name,
                     programOf(name));
}

std::string programOf(std::string_view kind) { return fmt::format("smsd-worker-{}", kind); }

}  // namespace smsd::config
