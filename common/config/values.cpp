// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/config/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "common/config/shown.h"
#include "common/text/ascii.h"

namespace smsd::config {
namespace {

struct Unit {
  std::string_view name;
  Milliseconds length;
};
// Longest first, because printing takes the first unit that divides the value.
constexpr std::array<Unit, 5> units{{{"d", std::chrono::days(1)},
                                     {"h", std::chrono::hours(1)},
                                     {"m", std::chrono::minutes(1)},
                                     {"s", std::chrono::seconds(1)},
                                     {"ms", Milliseconds(1)}}};

template <typename T>
Parsed<T> refused(const Node& node, std::string_view expected, std::string_view advice = {}) {
  return {std::nullopt,
          fmt::format("{}, expected {}{}{}", found(node), expected, advice.empty() ? "" : ": ", advice)};
}

bool isDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Optimal string alignment distance: a swap of two neighbours, the most common slip, counts as one.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

// 010 may be meant as octal or as decimal; either would be a guess.
bool hasLeadingZero(std::string_view digits) { return digits.size() > 1 && digits[0] == '0'; }

}  // namespace

std::optional<std::string> closest(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::size_t longest = 64;  // no key is this long, and the distance is quadratic
  if (word.size() > longest) return std::nullopt;
  const std::size_t tolerance = std::max<std::size_t>(1, word.size() / 3);
  std::optional<std::string> best;
  std::size_t bestDistance = tolerance + 1;
  for (const auto& candidate : candidates) {
    const std::size_t d = distance(text::lower(word), text::lower(candidate));
    if (d < bestDistance) {
      bestDistance = d;
      best = candidate;
    }
  }
  return best;
}

Parsed<std::string> parseText(const Node& node, std::string_view expected) {
  if (node.kind == Node::Kind::plain || node.kind == Node::Kind::quoted) return {node.scalar, {}};
  return refused<std::string>(node, expected);
}

Parsed<int> parseInteger(const Node& node, Bound<int> bound) {
  const std::string expected = "an " + typeOf(bound);
  if (node.kind == Node::Kind::quoted) return refused<int>(node, expected, "write it without quotes");
  const std::string_view text = node.scalar;
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  if (node.kind != Node::Kind::plain || !isDigits(digits) || hasLeadingZero(digits))
    return refused<int>(node, expected);
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value < bound.least || value > bound.most) return refused<int>(node, expected);
  return {value, {}};
}

Parsed<double> parseNumber(const Node& node, Bound<double> bound) {
  const std::string expected = "a " + typeOf(bound);
  if (node.kind == Node::Kind::quoted) return refused<double>(node, expected, "write it without quotes");
  const std::string_view text = node.scalar;
  // from_chars would take inf, nan and 1e3 as well
  const bool plain = !text.empty() && text.find_first_not_of("-0123456789.") == std::string_view::npos;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (node.kind != Node::Kind::plain || !plain || error != std::errc{} || end != text.data() + text.size())
    return refused<double>(node, expected,
                           text.find(',') != std::string_view::npos ? "the decimal sign is a point" : "");
  if (!std::isfinite(value) || value < bound.least || value > bound.most)
    return refused<double>(node, expected);
  return {value, {}};
}

Parsed<bool> parseFlag(const Node& node) {
  if (node.kind == Node::Kind::plain && node.scalar == "true") return {true, {}};
  if (node.kind == Node::Kind::plain && node.scalar == "false") return {false, {}};
  const std::string word = text::lower(node.scalar);
  std::string_view advice;
  if (word == "yes" || word == "on" || word == "1" || word == "true" || word == "y") advice = "write true";
  if (word == "no" || word == "off" || word == "0" || word == "false" || word == "n") advice = "write false";
  return refused<bool>(node, "true or false", advice);
}

Parsed<Milliseconds> parseBoundedDuration(const Node& node, Bound<Milliseconds> bound,
                                          std::string_view word) {
  const std::string expected = "a " + typeOf(bound, word);
  if (node.kind != Node::Kind::plain && node.kind != Node::Kind::quoted)
    return refused<Milliseconds>(node, expected);
  const auto value = parseDuration(node.scalar);
  if (!value) {
    if (isDigits(node.scalar) && node.scalar.size() <= 9)
      return refused<Milliseconds>(node, expected,
                                   node.quoting == Quoting::harmless
                                       ? fmt::format("with its unit, {}s?", node.scalar)
                                       : "with its unit, as in 30s");
    return refused<Milliseconds>(node, expected, "written as 500ms, 30s, 5m, 1h or 2d");
  }
  if (*value < bound.least || *value > bound.most) return refused<Milliseconds>(node, expected);
  return {value, {}};
}

Parsed<std::string> parseChoice(const Node& node, const std::vector<std::string>& words) {
  const bool scalar = node.kind == Node::Kind::plain || node.kind == Node::Kind::quoted;
  if (scalar && std::find(words.begin(), words.end(), node.scalar) != words.end()) return {node.scalar, {}};
  const auto near = scalar ? closest(node.scalar, words) : std::nullopt;
  return refused<std::string>(node, typeOf(words), near ? fmt::format("did you mean {}?", *near) : "");
}

std::string typeOf(Bound<int> bound) { return fmt::format("integer {}..{}", bound.least, bound.most); }
std::string typeOf(Bound<double> bound) { return fmt::format("number {:g}..{:g}", bound.least, bound.most); }
std::string typeOf(Bound<Milliseconds> bound, std::string_view word) {
  return fmt::format("duration {}..{}{}{}", printDuration(bound.least), printDuration(bound.most),
                     word.empty() ? "" : " or ", word);
}
std::string typeOf(const std::vector<std::string>& words) {
  return words.size() == 1 ? words.front() : fmt::format("one of {}", fmt::join(words, "|"));
}

std::string typeOf(const KeyForm& form) {
  using Type = KeyForm::Type;
  const auto whole = [&form] {
    return typeOf(Bound<int>{static_cast<int>(form.least), static_cast<int>(form.most)});
  };
  switch (form.type) {
    case Type::text:
      return "text";
    case Type::integer:
      return whole();
    case Type::number:
      return typeOf(Bound<double>{form.least, form.most});
    case Type::flag:
      return "true or false";
    case Type::duration:
      return typeOf(Bound<Milliseconds>{Milliseconds(static_cast<std::int64_t>(form.least)),
                                        Milliseconds(static_cast<std::int64_t>(form.most))},
                    form.words.empty() ? "" : form.words.front());
    case Type::choice:
      return typeOf(form.words);
    case Type::path:
      return "path";
    case Type::secretFile:
      return "path of a file with a secret";
    case Type::list:
      return "list";
    case Type::texts:
      return "list of texts";
    case Type::integers:
      return "list of " + whole();
  }
  return {};
}

namespace {

/// A duration that a person would write, other than the default: neither a bound nor a fraction of a second,
/// unless the key allows no other. Twice the default is the most likely change.
std::string usualDuration(const KeyForm& form, const std::string& defaultValue) {
  using namespace std::chrono;
  std::vector<Milliseconds> candidates;
  if (const auto value = parseDuration(defaultValue); value && *value > Milliseconds(0))
    candidates.push_back(2 * *value);
  for (const Milliseconds one : {Milliseconds(30s), Milliseconds(5min), Milliseconds(1h), Milliseconds(12h),
                                 Milliseconds(7 * 24h), Milliseconds(1s), Milliseconds(100ms)})
    candidates.push_back(one);
  for (const Milliseconds one : candidates)
    if (static_cast<double>(one.count()) > form.least && static_cast<double>(one.count()) < form.most &&
        printDuration(one) != defaultValue)
      return printDuration(one);
  return parseDuration(defaultValue) ? defaultValue
                                     : printDuration(Milliseconds(static_cast<std::int64_t>(form.least)));
}

}  // namespace

std::string exampleOf(const std::string& key, const KeyForm& form, const std::string& defaultValue) {
  using Type = KeyForm::Type;
  const std::string_view name = std::string_view(key).substr(key.rfind('.') + 1);
  const auto isOther = [&](const std::string& word) { return word != defaultValue; };
  switch (form.type) {
    case Type::flag:
      return defaultValue == "true" ? "false" : "true";
    case Type::choice: {
      const auto other = std::find_if(form.words.begin(), form.words.end(), isOther);
      return other == form.words.end() ? defaultValue : *other;
    }
    case Type::duration:
      return usualDuration(form, defaultValue);
    case Type::secretFile:
      return fmt::format("gateway.{}", name.substr(0, name.find("_file")));
    case Type::integers:
      return fmt::format("[{}]", static_cast<int>(form.most));
    case Type::list:
      return {};
    case Type::texts:
      return "[first, second]";
    case Type::text:
      return defaultValue.empty() ? "" : quotedScalar(defaultValue);
    case Type::integer:
    case Type::number:
    case Type::path:
      break;
  }
  return defaultValue;
}

std::optional<Milliseconds> parseDuration(std::string_view text) {
  const std::size_t length = std::min(text.find_first_not_of("0123456789"), text.size());
  if (length == 0) return std::nullopt;
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + length, count);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view suffix = text.substr(length);
  if (suffix.empty()) return count == 0 ? std::optional(Milliseconds(0)) : std::nullopt;
  for (const auto& unit : units)
    if (suffix == unit.name) {
      if (count > std::numeric_limits<std::int64_t>::max() / unit.length.count()) return std::nullopt;
      return count * unit.length;
    }
  return std::nullopt;
}

std::string roughly(Milliseconds value) {
  using namespace std::chrono;
  const std::int64_t all = std::max<std::int64_t>(0, ceil<seconds>(value).count());
  const auto two = [](std::int64_t large, const char* first, std::int64_t small, const char* second) {
    return small == 0 ? fmt::format("{}{}", large, first)
                      : fmt::format("{}{} {}{}", large, first, small, second);
  };
  if (all < 60) return fmt::format("{}s", all);
  if (all < 3600) return two(all / 60, "m", all % 60, "s");
  const std::int64_t minutes = (all + 59) / 60;
  if (minutes < 24 * 60) return two(minutes / 60, "h", minutes % 60, "m");
  const std::int64_t hours = (minutes + 59) / 60;
  return two(hours / 24, "d", hours % 24, "h");
}

std::string printDuration(Milliseconds value) {
  if (value.count() == 0) return "0s";
  const auto unit = std::find_if(units.begin(), units.end(),
                                 [&](const Unit& u) { return value % u.length == Milliseconds(0); });
  return fmt::format("{}{}", value / unit->length, unit->name);
}

}  // namespace smsd::config
