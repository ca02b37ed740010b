// SPDX-License-Identifier: GPL-3.0-or-later
// JSON from a client, with bounds on its depth and its number of values, and the reading of its members.
//
// nlohmann's tree takes about forty times the bytes of the text, so that the values are counted before it is
// built. Only for small documents; alertmanager.cpp reads without a tree. Pure. Fails by returning nothing.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smsd::shapes {

constexpr std::size_t maxJsonDepth = 16;
constexpr std::size_t maxJsonValues = 50'000;

/// Whether the brackets nest at most `depth` deep and there are at most `values` values, before anything is
/// allocated. The text need not be valid.
bool isWithin(std::string_view json, std::size_t depth, std::size_t values);

/// Returns the document; none if it is no valid JSON in UTF-8, or is above the bounds.
std::optional<nlohmann::json> readJson(std::string_view text);

/// The text of the member; none if it is missing or null. A number counts as its digits. `wrong` is set if it
/// is anything else.
std::optional<std::string> textIn(const nlohmann::json& object, const char* name, bool& wrong);

/// The texts of the member, which is a list of texts or numbers, or one text with parts between commas.
std::vector<std::string> textsIn(const nlohmann::json& object, const char* name, bool& wrong);

/// The integer of the member, also if it is a text of digits; none if it is missing.
std::optional<std::int64_t> integerIn(const nlohmann::json& object, const char* name, bool& wrong);

/// Writes a document as UTF-8; invalid bytes become U+FFFD.
std::string written(const nlohmann::ordered_json& document);

}  // namespace smsd::shapes
