// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/config/config-diff.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

namespace smsd::config {
namespace {

std::vector<std::string> namesOf(const Config& config) {
  std::vector<std::string> names;
  for (auto& dispatcher : config.dispatchers) names.push_back(dispatcher.name);
  return names;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Returns those of `names` that are in `others` too, in the order of `names`.
std::vector<std::string> commonTo(std::vector<std::string> names, const std::vector<std::string>& others) {
  std::erase_if(names, [&](auto& name) { return !contains(others, name); });
  return names;
}

std::string shown(const std::string& value) { return value.empty() ? "nothing" : value; }

void compareValues(const Config& running, const ConfigRead& next, Changes& changes) {
  std::map<std::string, std::string> before;
  for (auto& one : valuesOf(running)) before.insert(one);
  for (auto& [key, value] : valuesOf(next.config)) {
    const std::string& old = before[key];
    if (old == value) continue;
    if (contains(keysOfARestart(), key)) {
      auto place = next.places.find(key);
      changes.forbidden.push_back({place == next.places.end() ? key : place->second,
                                   fmt::format("{}: {}, expected {} as it is now: only a restart changes it",
                                               key, shown(value), shown(old))});
    } else if (key == "canary.recipient") {
      changes.values.push_back(key);  // the words go to the journal, which may have to mask numbers
    } else {
      changes.values.push_back(fmt::format("{} {} to {}", key, shown(old), shown(value)));
    }
  }
  if (running.retry.unknownBySeverity != next.config.retry.unknownBySeverity)
    changes.values.push_back("retry.unknown_by_severity");
  if (running.heartbeats != next.config.heartbeats) changes.values.push_back("heartbeats");
  if (running.intake.callers != next.config.intake.callers) changes.values.push_back("intake.callers");
  if (running.groups != next.config.groups) changes.values.push_back("groups");
}

/// Whether the worker of a dispatcher needs another configuration. Its canary does not matter to the worker.
bool sameForWorker(const DispatcherConfig& one, DispatcherConfig other) {
  other.canary = one.canary;
  return one == other;
}

void compareDispatchers(const Config& running, const Config& next, Changes& changes) {
  auto before = namesOf(running), after = namesOf(next);
  for (auto& dispatcher : next.dispatchers) {
    auto old = std::find_if(running.dispatchers.begin(), running.dispatchers.end(),
                            [&](auto& one) { return one.name == dispatcher.name; });
    if (old == running.dispatchers.end())
      changes.added.push_back(dispatcher.name);
    else if (!sameForWorker(*old, dispatcher))
      changes.changed.push_back(dispatcher.name);
    if (old != running.dispatchers.end() && old->canary != dispatcher.canary)
      changes.values.push_back("the canary of " + dispatcher.name);
  }
  for (auto& name : before)
    if (!contains(after, name)) changes.removed.push_back(name);
  changes.reordered = commonTo(before, after) != commonTo(after, before);
}

}  // namespace

const std::vector<std::string>& keysOfARestart() {
  static const std::vector<std::string> keys = {"queue.backend",     "queue.postgresql.connection",
                                                "queue.sqlite.path", "queue.directory",
                                                "queue.connection",  "queue.connection_file",
                                                "queue.lease",       "queue.keep_history",
                                                "control.socket",    "status.socket",
                                                "intake.socket",     "state_directory"};
  return keys;
}

bool Changes::none() const {
  return values.empty() && added.empty() && removed.empty() && changed.empty() && !reordered;
}

std::string Changes::words() const {
  if (none()) return "nothing has changed";
  std::vector<std::string> dispatchers;
  auto list = [&](const char* what, const std::vector<std::string>& names) {
    if (!names.empty()) dispatchers.push_back(fmt::format("{} {}", what, fmt::join(names, " ")));
  };
  list("added", added);
  list("removed", removed);
  list("changed", changed);
  if (reordered) dispatchers.push_back("in another order");
  std::vector<std::string> parts = values;
  if (!dispatchers.empty()) parts.push_back(fmt::format("dispatchers: {}", fmt::join(dispatchers, ", ")));
  return fmt::format("{}", fmt::join(parts, "; "));
}

Changes compare(const Config& running, const ConfigRead& next) {
  Changes changes;
  compareValues(running, next, changes);
  compareDispatchers(running, next.config, changes);
  return changes;
}

}  // namespace smsd::config
