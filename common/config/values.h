// What a scalar of a configuration means, type by type, and how a value and a bound are printed.
//
// Pure. Called by keys.cpp only. Nothing is coerced: what is not exactly of the type is refused with what was
// expected and, for the usual slips, what to write instead.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/keys.h"
#include "common/config/yaml-tree.h"

namespace smsd::config {

/// Either the value or what was wrong with it.
template <typename T>
struct Parsed {
  std::optional<T> value;
  std::string problem;
};

Parsed<std::string> parseText(const Node& node, std::string_view expected);
Parsed<int> parseInteger(const Node& node, Bound<int> bound);
Parsed<double> parseNumber(const Node& node, Bound<double> bound);
Parsed<bool> parseFlag(const Node& node);
/// `word`: what may stand there instead of a duration, or empty; it is for the caller to look for it first.
Parsed<Milliseconds> parseBoundedDuration(const Node& node, Bound<Milliseconds> bound, std::string_view word);
Parsed<std::string> parseChoice(const Node& node, const std::vector<std::string>& words);

std::string typeOf(Bound<int> bound);
std::string typeOf(Bound<double> bound);
std::string typeOf(Bound<Milliseconds> bound, std::string_view word);
std::string typeOf(const std::vector<std::string>& words);

/// The candidate that `word` is most likely a slip of.
std::optional<std::string> closest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace smsd::config
