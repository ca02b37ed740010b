// Templates: what an operator wrote with {recipient}, {text} and the like in it, and what becomes of it for
// one SMS.
//
// Owns the placeholders, their escaping for where they stand, and which of a URL's parts may hold one. Called
// by the kinds that speak to a gateway. Pure: no I/O, no KJ. A template that cannot be used is a Problem,
// found when the configuration is read; no Problem ever quotes the template, which may hold a password. No
// text and no number can break out of where it stands.
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

/// One SMS, as a template sees it. UTF-8.
struct Values {
  std::string_view recipient;
  std::string_view text;
  std::string_view key;
  std::string_view encoding{};  // the gateway's word for the alphabet that the text needs
};

enum class Placeholder {
  recipient,
  digits,  // the digits of the recipient: many gateways want no +; nothing where it is no number
  text,
  key,
  encoding,
};

/// The digits of a recipient without what is written between them: + - . ( ) / and blanks. None: there is
/// something else in it, or no digit; who sends to {digits} refuses it, as it could be a stranger's number.
std::optional<std::string> digitsOf(std::string_view recipient);
constexpr const char* noDigits =
    "the recipient is no number: expected digits, with + - . ( ) / and blanks at most";

/// Where a template stands, which says how a value is written there.
enum class Place {
  url,     // path and query: all but RFC 3986's unreserved characters as %XX
  form,    // application/x-www-form-urlencoded: the same
  json,    // within a string of JSON
  xml,     // character data or an attribute's value
  header,  // a header's value: printable ASCII as it is, but % and all else as %XX
  mail,    // a part of a mail, as it is: what the template makes is encoded as a whole
};

/// A name of the operator's own with a value that is the same for every SMS: {name} stands for it.
struct Constant {
  std::string name;
  config::Secret value;
};
using Constants = std::vector<Constant>;

/// Escapes `value` for `place`, at the end of `to`.
void appendEscaped(std::string& to, std::string_view value, Place place);
std::string escaped(std::string_view value, Place place);

struct Problem {
  std::size_t at = 0;  // the character it is about, counted from 1
  std::string what;
};
std::string describe(const Problem& problem);  // "character 12: ..."

class Template {
 public:
  /// In JSON and XML a brace that opens no {name} stands for itself.
  static std::variant<Template, Problem> parse(std::string_view text, Place place,
                                               const Constants& constants = {});
  void append(std::string& to, const Values& values) const;
  std::string expand(const Values& values) const;
  /// With the same value at every placeholder, {digits} too: to see where they stand.
  std::string filledWith(std::string_view value) const;
  /// Where it first stands in the text, counted from 1.
  std::optional<std::size_t> find(Placeholder placeholder) const;
  bool holds(Placeholder placeholder) const { return find(placeholder).has_value(); }
  bool empty() const { return parts_.empty(); }
  /// Where the first {name} stands, constants included, counted from 1; 0: there is none.
  std::size_t firstNameAt() const { return firstNameAt_; }

 private:
  struct Part {
    std::string literal;                       // constants included, escaped
    std::optional<Placeholder> placeholder{};  // after the literal
    std::size_t at = 0;                        // of the placeholder
  };
  std::vector<Part> parts_;
  Place place_ = Place::url;
  std::size_t firstNameAt_ = 0;
};

/// An http or https URL, with placeholders in its path or query. What the operator has escaped stays as it
/// is.
class UrlTemplate {
 public:
  static std::variant<UrlTemplate, Problem> parse(std::string_view text, const Constants& constants = {});
  /// Nothing: the values would climb out of the path they stand in ("..").
  std::optional<std::string> expand(const Values& values) const;
  bool holds(Placeholder placeholder) const { return template_.holds(placeholder); }
  /// scheme://host:port, all of a URL that may be shown.
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

/// The body of a request. That its placeholders stand where their escaping holds was checked.
class BodyTemplate {
 public:
  static std::variant<BodyTemplate, Problem> parse(std::string_view text, BodyType type,
                                                   const Constants& constants = {});
  std::string expand(const Values& values) const { return template_.expand(values); }
  bool holds(Placeholder placeholder) const { return template_.holds(placeholder); }
  bool empty() const { return template_.empty(); }

 private:
  Template template_;
};
std::string_view contentTypeOf(BodyType type);

bool isHeaderName(std::string_view name);
/// A header's value; CR, LF and other control characters are a Problem, in constants too.
std::variant<Template, Problem> parseHeaderValue(std::string_view text, const Constants& constants = {});

/// What of a URL may be shown, and decides where it leads.
struct Origin {
  std::string text;  // scheme://host:port
  std::uint16_t port = 0;
};
/// None: not a URL.
std::optional<Origin> originOf(const std::string& url);

}  // namespace smsd::net
