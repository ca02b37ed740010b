// SPDX-License-Identifier: GPL-3.0-or-later
// The texts and the JSON of `smsctl config explain`. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "supervisor/smsctl/config-keys/key-files.h"

namespace smsd::smsctl {

/// All about one key: meaning, type, default, place, effect of a reload, example.
std::string explained(const FoundKey& found);
/// One line for each key, below its file.
std::string listed(const std::vector<FoundKey>& keys);
nlohmann::ordered_json explainedJson(const std::vector<FoundKey>& keys);

}  // namespace smsd::smsctl
