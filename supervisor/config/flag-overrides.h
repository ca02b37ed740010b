// SPDX-License-Identifier: GPL-3.0-or-later
// Values on the command line that replace those of smsd.yaml: NAV's flags -d, -D, -m, -l and -a.
//
// Owns how such a flag is read; its bounds are those of its key. Called by smsd's arguments, and by
// readConfig() for each reading of the file, so that a flag wins after a reload as it does at the start
// (NAV's smsd loses --delay at the first recovery). Pure. A value that cannot be used gives an error of one
// line, as for a key.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/config/keys.h"

namespace smsd::config {

struct Config;
enum class AtLimit;

struct Overrides {
  std::optional<config::Milliseconds> delay;
  std::optional<double> factor;
  std::optional<config::Milliseconds> maxDelay;
  std::optional<int> limit;
  std::optional<AtLimit> atLimit;
};

/// Sets the value of `flag` to `word`. `flag` is the long name without dashes: delay, delayfactor, maxdelay,
/// limit, action. Returns the fault of `word`, if it has one. 0 is a value like any other (NAV's smsd ignores
/// it).
std::optional<std::string> setOverride(Overrides& overrides, std::string_view flag, const std::string& word);

/// Applies the flags to a configuration that was read. If a value of the file is good alone but not with the
/// flags, the problem is reported at the flag's name.
std::vector<config::Problem> applyOverrides(const Overrides& overrides, Config& config);

}  // namespace smsd::config
