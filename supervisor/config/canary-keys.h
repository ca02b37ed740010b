// SPDX-License-Identifier: GPL-3.0-or-later
// The keys of `canary`, and those of one dispatcher that replace them.
//
// Owns their names, bounds, defaults and help. Called by config.cpp and dispatcher-keys.cpp; the room
// watchkeeping asks for the canary of a dispatcher. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "common/config/keys.h"

namespace smsd::config {

struct Config;
struct DispatcherConfig;

struct CanaryConfig {
  std::string recipient;     // empty: no canary, except for dispatchers with a recipient of their own
  std::string at = "07:30";  // local time
  Milliseconds every = std::chrono::hours(24);
  std::string text = "canary of smsd through {dispatcher}";
  int maxPerDay = 20;
};

/// The part of it that differs for one dispatcher.
struct CanaryOverrides {
  bool enabled = true;
  std::string recipient;              // empty: as for all
  std::string at;                     // empty: as for all
  std::optional<Milliseconds> every;  // none: as for all
  bool operator==(const CanaryOverrides&) const = default;
};

/// The canary of one dispatcher.
struct CanaryOrder {
  std::string recipient;
  std::string text;
  std::chrono::minutes at{0};  // after midnight, local time
  std::chrono::seconds every{0};
};
/// None: this dispatcher has no canary.
std::optional<CanaryOrder> canaryOf(const Config& config, const DispatcherConfig& dispatcher);

void declareCanary(Keys& keys, Config& config);
void declareCanaryOverrides(Keys& keys, CanaryOverrides& canary);

}  // namespace smsd::config
