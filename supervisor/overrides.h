// What the command line says instead of smsd.yaml: NAV's flags -d, -D, -m, -l and -a.
//
// Owns how such a flag is read, and that its bounds are those of its key. Called by smsd's arguments, and by
// readConfig() for each reading of the file: so a flag wins after a reload as it does at the start (wart
// C33). Pure. A value that cannot be used is said in one line, as it is for a key.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/config/keys.h"

namespace smsd {

struct Config;
enum class AtLimit;

struct Overrides {
  std::optional<config::Milliseconds> delay;
  std::optional<double> factor;
  std::optional<config::Milliseconds> maxDelay;
  std::optional<int> limit;
  std::optional<AtLimit> atLimit;
};

/// Sets what the word of a flag says; the flag by its long name without dashes: delay, delayfactor, maxdelay,
/// limit, action. What is wrong with the word, if something is. Nought is a value like any other (wart C31).
std::optional<std::string> setOverride(Overrides& overrides, std::string_view flag, const std::string& word);

/// Into a configuration that was read. What fits the file but not the flags together with it is a problem at
/// the flag's name.
std::vector<config::Problem> applyOverrides(const Overrides& overrides, Config& config);

}  // namespace smsd
