// SPDX-License-Identifier: GPL-3.0-or-later
// The target of a request and a form: a path, and parameters with their values. Pure, bounded.
//
// Called for each request before its token is known, and for forms of application/x-www-form-urlencoded.
// Fails by returning nothing: a wrong percent sign, a NUL, or too many parameters.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smsd::shapes {

constexpr std::size_t maxTarget = 16 * 1024;  // bytes of path and query, an SMS of 4,096 characters included
constexpr std::size_t maxParameters = 64;

class Parameters {
 public:
  Parameters() = default;
  Parameters(const Parameters&) = default;
  Parameters(Parameters&&) = default;
  Parameters& operator=(const Parameters&) = default;
  Parameters& operator=(Parameters&&) = default;
  /// Wipes the values, because one of them may be a token.
  ~Parameters();

  void add(std::string name, std::string value) { all_.emplace_back(std::move(name), std::move(value)); }
  /// Adds those of `more`.
  void add(Parameters more);
  std::size_t size() const { return all_.size(); }
  /// The first value of the parameter; none if it is missing.
  std::optional<std::string_view> find(std::string_view name) const;
  /// The same, empty if it is missing.
  std::string get(std::string_view name) const { return std::string(find(name).value_or("")); }
  const std::vector<std::pair<std::string, std::string>>& entries() const { return all_; }
  /// Each value of the parameter.
  std::vector<std::string_view> all(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> all_;
};

struct WebTarget {
  std::string path;
  Parameters query;
};

/// Reads `a=b&c=d`, with + as a blank.
std::optional<Parameters> readForm(std::string_view form);
/// Reads `/path?query`.
std::optional<WebTarget> readTarget(std::string_view target);

/// The parts of `text` between the characters of `separators`, without blanks around them and without empty
/// ones.
std::vector<std::string> partsOf(std::string_view text, std::string_view separators);

}  // namespace smsd::shapes
