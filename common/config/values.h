// SPDX-License-Identifier: GPL-3.0-or-later
// Parses the scalars of a configuration, type by type, and prints values and bounds.
//
// Pure. Called by keys.cpp only. Nothing is coerced: a value that is not exactly of the type is refused with
// the expected form and, for common slips, with advice.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/keys.h"
#include "common/config/yaml-tree.h"

namespace smsd::config {

/// Either the value or the problem.
template <typename T>
struct Parsed {
  std::optional<T> value;
  std::string problem;
};

Parsed<std::string> parseText(const Node& node, std::string_view expected);
Parsed<int> parseInteger(const Node& node, Bound<int> bound);
Parsed<double> parseNumber(const Node& node, Bound<double> bound);
Parsed<bool> parseFlag(const Node& node);
/// `word`, if not empty, is allowed instead of a duration. The caller has to check for it first.
Parsed<Milliseconds> parseBoundedDuration(const Node& node, Bound<Milliseconds> bound, std::string_view word);
Parsed<std::string> parseChoice(const Node& node, const std::vector<std::string>& words);

std::string typeOf(Bound<int> bound);
std::string typeOf(Bound<double> bound);
std::string typeOf(Bound<Milliseconds> bound, std::string_view word);
std::string typeOf(const std::vector<std::string>& words);
/// Returns for example "integer 1..8". The others return the same for their forms.
std::string typeOf(const KeyForm& form);
/// Returns a value as in a file that a key of this form takes, other than the default if that is easy.
std::string exampleOf(const std::string& key, const KeyForm& form, const std::string& defaultValue);

/// The candidate that `word` most likely misspells; none if no candidate is close.
std::optional<std::string> closest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace smsd::config
