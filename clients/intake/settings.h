// SPDX-License-Identifier: GPL-3.0-or-later
// The configuration of smsd-intake: the keys of intake.yaml.
//
// Each key is declared once, here. Read before the process locks itself in. Fails by returning problems.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "clients/intake/token.h"
#include "clients/shapes/alertmanager.h"
#include "common/config/keys.h"

namespace smsd::webintake {

struct IntakeSettings {
  std::filesystem::path socket = "/run/smsd/intake/intake.sock";
  std::vector<Token> tokens;
  std::string severityLabel = "severity";
  int severity = 0;  // of an alert whose label is missing or unknown
  std::vector<shapes::SeverityWord> severities;
  bool sendResolved = true;
  std::string firing = shapes::defaultTemplate;
  std::string resolved = shapes::defaultTemplate;
};

void declare(config::Keys& keys, IntakeSettings& settings);

/// The rules for webhooks. The templates have been checked by the reading.
shapes::AlertmanagerRules rulesOf(const IntakeSettings& settings);

}  // namespace smsd::webintake
