// SPDX-License-Identifier: GPL-3.0-or-later
// The keys of intake.sock in smsd.yaml: which user may submit which alerts; and groups.yaml.
//
// Called by config.cpp, and by smsctl to explain the keys. Reads groups.yaml and no other file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/config/keys.h"

namespace smsd::config {

using Milliseconds = std::chrono::milliseconds;

/// What one user may submit.
struct IntakeCaller {
  std::string user;                     // a name, or a uid in digits
  std::vector<std::string> recipients;  // numbers in one form, beginnings of numbers with *, or * for any
  std::vector<std::string> groups;      // names, or * for any
  std::vector<int> severities;          // empty: any, and none
  int rate = 600;                       // messages a minute
  bool operator==(const IntakeCaller&) const = default;
};

struct IntakeConfig {
  std::filesystem::path socket = "/run/smsd/intake/intake.sock";  // empty: none
  std::vector<IntakeCaller> callers;
  Milliseconds dedupe = std::chrono::hours(1);
};

inline constexpr const char* defaultIntakeSocket = "/run/smsd/intake/intake.sock";

/// A name for several numbers.
struct RecipientGroup {
  std::string name;
  std::vector<std::string> numbers;  // in one form, each once
  bool operator==(const RecipientGroup&) const = default;
};

struct Config;
enum class Reach;

void declareIntake(Keys& keys, Config& config);
void declareCountry(Keys& keys, std::string& country);
/// Brings the numbers of the callers to one form. Returns the errors in them.
std::vector<Problem> checkIntake(const Keys& keys, Config& config);

/// The keys of groups.yaml.
void declareGroups(Keys& keys, std::vector<RecipientGroup>& groups);
std::vector<KeyHelp> explainGroups();
/// Reads groups.yaml, if it is there, into `config.groups`. An operator's tool need not be able to read it.
std::vector<Problem> readGroups(Config& config, Reach reach);

/// Returns the group of this name; null: there is none.
const RecipientGroup* groupNamed(const Config& config, const std::string& name);

}  // namespace smsd::config
