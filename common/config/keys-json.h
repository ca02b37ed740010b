// SPDX-License-Identifier: GPL-3.0-or-later
// Writes declared keys as JSON, in which a worker program returns the keys of its kind to smsctl.
//
// Owns the names of the JSON's fields, which are part of the output of `smsctl config explain --json`. Called
// by the workers' `--explain --json` and by smsctl. Pure. Reading fails by returning nothing: the text comes
// from another program, which may be of another version, or anything at all.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "common/config/keys.h"

namespace smsd::config {

/// Returns {"key", "type", "default", "required", "help", "form", "example"}.
nlohmann::ordered_json asJson(const KeyHelp& key);

/// Reads a list of such objects, with at most `most` entries. A field that is missing has its default.
std::optional<std::vector<KeyHelp>> keysFromJson(std::string_view text, std::size_t most = 1000);

}  // namespace smsd::config
