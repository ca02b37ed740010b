// SPDX-License-Identifier: GPL-3.0-or-later
// The changes that a reload would make: compares two readings of smsd.yaml. Pure.
//
// Owns the list of the keys that only a restart can change. Called by the reloader (reloader.h) and its
// tests. Every other key is applied. If you add a key, make it take effect in Road::replace() or add it to
// the list.
#pragma once

#include <string>
#include <vector>

#include "supervisor/config/config.h"

namespace smsd::config {

/// The keys that cannot change while smsd runs.
const std::vector<std::string>& keysOfARestart();

struct Changes {
  std::vector<std::string> values;         // "retry.delay 30s to 1m"
  std::vector<config::Problem> forbidden;  // keysOfARestart() with another value than the running one
  std::vector<std::string> added, removed, changed;  // dispatchers, by name
  bool reordered = false;

  bool none() const;
  /// One line: "retry.delay 30s to 1m; dispatchers: added backup, removed modem2, in another order".
  std::string words() const;
};

/// `changed` omits dispatchers of which only the file changed, because the caller knows the files.
Changes compare(const Config& running, const ConfigRead& next);

}  // namespace smsd::config
