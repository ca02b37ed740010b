// SPDX-License-Identifier: GPL-3.0-or-later
// Reads JSON as gateways write it: strict JSON, otherwise nearly valid JSON as it was meant.
//
// Owns the tolerated faults: text before and after the document (for example, a PHP notice), raw control
// characters and quotation marks in strings, half surrogate pairs, NaN, bare words as values, strings in
// apostrophes, missing values in maps, extra commas. Called by the rules. Pure, and bounded in depth and
// work. A text with more than one reading is rejected. So is a text with the same name twice in one map, even
// if it is strict JSON, because one of the two may come from the text of an SMS that the gateway sent back.
// So are two maps, one after the other, in a text that is not strict JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace smsd::net {

/// `text` is UTF-8. Returns a discarded value when it is neither JSON nor nearly JSON, or when it contradicts
/// itself.
nlohmann::json readJson(std::string_view text);

}  // namespace smsd::net
