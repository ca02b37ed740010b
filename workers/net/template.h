// SPDX-License-Identifier: GPL-3.0-or-later
// Templates: texts of the operator with placeholders such as {recipient} and {text}, expanded for each SMS.
//
// Owns the placeholders, their escaping for each place, and which of a URL's parts may hold one. Called by
// the kinds that send to a gateway. Pure: no I/O, no KJ. A template that cannot be used is a TemplateProblem,
// found when the configuration is read. A TemplateProblem never quotes the template, which may hold a
// password. No text and no number can break out of its place, because every value is escaped for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/config/secret.h"

namespace smsd::net {

/// The values of one SMS for a template, in UTF-8.
struct Values {
  std::string_view recipient;
  std::string_view text;
  std::string_view key;
  std::string_view encoding{};  // the gateway's name for the alphabet that the text needs
};

enum class Placeholder {
  recipient,
  digits,  // the recipient as digitsOf(), because many gateways want no +; empty when it is no number
  text,
  key,
  encoding,
};

/// Returns the digits of a recipient without the characters between them: + - . ( ) / and blanks. Returns
/// nothing when it holds any other character or no digit. A kind that uses {digits} refuses such an SMS,
/// because the digits could be a stranger's number.
std::optional<std::string> digitsOf(std::string_view recipient);
constexpr const char* noDigits =
    "the recipient is no number: expected digits, with + - . ( ) / and blanks at most";

/// The place of a template, which decides how a value is escaped.
enum class Place {
  url,     // path and query: all but RFC 3986's unreserved characters as %XX
  form,    // application/x-www-form-urlencoded: the same
  json,    // within a string of JSON
  xml,     // character data or an attribute's value
  header,  // a header's value: printable ASCII unchanged, but % and all else as %XX
  mail,    // a part of a mail: unchanged, because the mail worker encodes the expanded template as a whole
};

/// A {name} that the operator defines, with the same value for every SMS.
struct Constant {
  std::string name;
  config::Secret value;
};
using Constants = std::vector<Constant>;

/// Appends `value`, escaped for `place`, to `to`.
void appendEscaped(std::string& to, std::string_view value, Place place);
std::string escaped(std::string_view value, Place place);

struct TemplateProblem {
  std::size_t at = 0;  // the place of the faulty character, counted from 1
  std::string what;
};
std::string describe(const TemplateProblem& problem);  // "character 12: ..."

class Template {
 public:
  /// Reads `text` as a template for `place`. In JSON and XML a brace that opens no {name} is kept as a brace.
  static std::variant<Template, TemplateProblem> parse(std::string_view text, Place place,
                                                       const Constants& constants = {});
  void append(std::string& to, const Values& values) const;
  std::string expand(const Values& values) const;
  /// Expands with `value` at every placeholder, {digits} too, so that a check can find their places.
  std::string filledWith(std::string_view value) const;
  /// Returns the place of the first `placeholder` in the text, counted from 1.
  std::optional<std::size_t> find(Placeholder placeholder) const;
  bool contains(Placeholder placeholder) const { return find(placeholder).has_value(); }
  bool empty() const { return parts_.empty(); }
  /// Returns the place of the first {name}, constants included, counted from 1; 0 when there is none.
  std::size_t firstNameAt() const { return firstNameAt_; }

 private:
  struct Part {
    std::string literal;                       // constants included, escaped
    std::optional<Placeholder> placeholder{};  // follows the literal
    std::size_t at = 0;                        // place of the placeholder
  };
  std::vector<Part> parts_;
  Place place_ = Place::url;
  std::size_t firstNameAt_ = 0;
};

/// An http or https URL, with placeholders in its path or query. Escapes (%XX) of the operator are kept.
class UrlTemplate {
 public:
  static std::variant<UrlTemplate, TemplateProblem> parse(std::string_view text,
                                                          const Constants& constants = {});
  /// Returns nothing when a value would change the path (a segment "." or "..").
  std::optional<std::string> expand(const Values& values) const;
  bool contains(Placeholder placeholder) const { return template_.contains(placeholder); }
  /// Returns scheme://host:port. No other part of the URL may be shown.
  const std::string& origin() const { return origin_; }
  std::uint16_t port() const { return port_; }
  bool isEncrypted() const { return origin_.starts_with("https"); }

 private:
  Template template_;
  std::string origin_;
  std::uint16_t port_ = 0;
  enum class Stand { inQueryOnly, inPath } values_ = Stand::inQueryOnly;
};

enum class BodyType { form, json, xml };

/// The body of a request. parse() checks that its escaping is valid at the place of every placeholder.
class BodyTemplate {
 public:
  static std::variant<BodyTemplate, TemplateProblem> parse(std::string_view text, BodyType type,
                                                           const Constants& constants = {});
  std::string expand(const Values& values) const { return template_.expand(values); }
  bool contains(Placeholder placeholder) const { return template_.contains(placeholder); }
  bool empty() const { return template_.empty(); }

 private:
  Template template_;
};
std::string_view contentTypeOf(BodyType type);

bool isHeaderName(std::string_view name);
/// Reads the value of a header. CR, LF and other control characters are a TemplateProblem, in constants too.
std::variant<Template, TemplateProblem> parseHeaderValue(std::string_view text,
                                                         const Constants& constants = {});

/// The part of a URL that may be shown and that decides where a request goes.
struct Origin {
  std::string text;  // scheme://host:port
  std::uint16_t port = 0;
};
/// Returns nothing when `url` is not a URL.
std::optional<Origin> originOf(const std::string& url);

}  // namespace smsd::net
