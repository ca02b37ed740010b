// What a reload would change: two readings of smsd.yaml, one beside the other. Pure.
//
// Owns the list of what only a restart can change. Called by the reloader (reloader.h) and its tests. A key
// that is not on that list is applied: whoever adds one either makes it take effect in Road::replace() or
// puts it here.
#pragma once

#include <string>
#include <vector>

#include "supervisor/config.h"

namespace smsd {

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

/// Dispatchers whose file alone is another are not among `changed`: the caller knows the files.
Changes compare(const Config& running, const ConfigRead& next);

}  // namespace smsd
