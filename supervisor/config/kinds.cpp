// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/config/kinds.h"

#include <algorithm>

namespace smsd::config {

const std::vector<Kind>& builtInKinds() {
  // The bounds of the keys `window` and `backlog` in a dispatcher's file (tests/unit/documentation compares
  // them).
  static const std::vector<Kind> kinds = {{"gammu", 1, 1},    {"http", 256, 4096},   {"soap", 256, 4096},
                                          {"mail", 16, 4096}, {"debug", 4096, 4096}, {"command", 256, 4096}};
  return kinds;
}

Kind kindNamed(std::string_view name) {
  const auto& kinds = builtInKinds();
  auto found =
      std::find_if(kinds.begin(), kinds.end(), [name](const Kind& kind) { return kind.name == name; });
  return found != kinds.end() ? *found : Kind{std::string(name)};
}

}  // namespace smsd::config
