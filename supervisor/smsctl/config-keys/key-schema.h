// SPDX-License-Identifier: GPL-3.0-or-later
// The JSON Schema (draft 7) of a configuration file, from the declarations of its keys, so that an editor
// checks and completes the file as it is typed.
//
// Owns the translation of a key's form. A schema knows types, words, bounds and required keys, but not the
// rules over several keys: only `smsd --check` checks a file completely. Called by `config schema`. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "supervisor/smsctl/config-keys/key-files.h"

namespace smsd::smsctl {

nlohmann::ordered_json schemaOf(const KeyFile& file);

/// Returns a regular expression for the decimal numbers from `least` to `most`, with or without leading
/// zeros. 0 <= least <= most.
std::string numbersBetween(std::int64_t least, std::int64_t most);

}  // namespace smsd::smsctl
