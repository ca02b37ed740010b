// Templates: what an operator wrote with {recipient}, {text} and {key} in it, and what becomes of it for one
// SMS.
//
// Owns the placeholders, their escaping for where they stand, and which of a URL's parts may hold one. Called
// by the kinds that speak to a gateway. Pure: no I/O, no KJ. A template that cannot be used is a Problem,
// found when the configuration is read; no Problem ever quotes the template, which may hold a password.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace smsd::net {

/// One SMS, as a template sees it. UTF-8.
struct Values {
  std::string_view recipient;
  std::string_view text;
  std::string_view key;
};

enum class Placeholder { recipient, text, key };

/// How a value is written where a placeholder stands.
using Escape = std::string (*)(std::string_view);
/// Everything but RFC 3986's unreserved characters as %XX: right in a path and in a query, whatever surrounds
/// it.
std::string percentEscape(std::string_view value);

struct Problem {
  std::size_t at = 0;  // the character it is about, counted from 1
  std::string what;
};
std::string describe(const Problem& problem);  // "character 12: ..."

class Template {
 public:
  static std::variant<Template, Problem> parse(std::string_view text, Escape escape);
  std::string expand(const Values& values) const;
  /// Where it first stands in the text, counted from 1.
  std::optional<std::size_t> find(Placeholder placeholder) const;

 private:
  struct Part {
    std::string literal;
    std::optional<Placeholder> placeholder;  // after the literal
    std::size_t at = 0;                      // of the placeholder
  };
  std::vector<Part> parts_;
  Escape escape_ = nullptr;
};

/// An http or https URL with {recipient} and {text}, and perhaps {key}, in its path or query. What the
/// operator has escaped stays as it is.
class UrlTemplate {
 public:
  static std::variant<UrlTemplate, Problem> parse(std::string_view text);
  /// Nothing: the values would climb out of the path they stand in ("..").
  std::optional<std::string> expand(const Values& values) const;
  /// scheme://host:port, all of a URL that may be shown.
  const std::string& origin() const { return origin_; }
  std::uint16_t port() const { return port_; }

 private:
  Template template_;
  std::string origin_;
  std::uint16_t port_ = 0;
};

}  // namespace smsd::net
