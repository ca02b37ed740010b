// SPDX-License-Identifier: GPL-3.0-or-later
// Placeholders and escaping of template.h. URLs and bodies have files of their own.
#include "workers/net/template.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "common/text/utf.h"

namespace smsd::net {
namespace {

constexpr std::pair<std::string_view, Placeholder> words[] = {{"recipient", Placeholder::recipient},
                                                              {"digits", Placeholder::digits},
                                                              {"text", Placeholder::text},
                                                              {"key", Placeholder::key},
                                                              {"encoding", Placeholder::encoding}};

constexpr bool isDigit(char c) { return c >= '0' && c <= '9'; }

// Letters and digits of the C locale, whatever locale the process has set.
constexpr auto unreserved = [] {
  std::array<bool, 256> table{};
  for (unsigned byte = 0; byte < table.size(); ++byte) {
    char c = static_cast<char>(byte);
    table[byte] = isDigit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' ||
                  c == '_' || c == '~';
  }
  return table;
}();
bool isUnreserved(char c) { return unreserved[static_cast<unsigned char>(c)]; }
bool isPrintable(char c) { return c >= ' ' && c <= '~'; }

constexpr char hexDigits[] = "0123456789ABCDEF";

void appendPercent(std::string& to, char c) {
  auto byte = static_cast<unsigned char>(c);
  const char escape[] = {'%', hexDigits[byte >> 4], hexDigits[byte & 15]};
  to.append(escape, sizeof escape);
}

void appendForUrl(std::string& to, std::string_view value) {
  for (auto at = value.begin();;) {
    auto end = std::find_if_not(at, value.end(), isUnreserved);
    to += std::string_view(at, end);
    if (end == value.end()) return;
    appendPercent(to, *end);
    at = end + 1;
  }
}

// Also escapes a blank at either end, because a receiver removes blanks around a header's value.
void appendForHeader(std::string& to, std::string_view value) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    char c = value[i];
    bool atTheEdge = c == ' ' && (i == 0 || i + 1 == value.size());
    if (isPrintable(c) && c != '%' && !atTheEdge)
      to += c;
    else
      appendPercent(to, c);
  }
}

void appendForJson(std::string& to, std::string_view value) {
  for (char c : value) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      to += '\\';
      to += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      to += "\\u00";
      to += hexDigits[byte >> 4];
      to += hexDigits[byte & 15];
    } else {
      to += c;
    }
  }
}

// Replaces characters that XML 1.0, 2.2 does not allow, because no escape can represent them. Escapes white
// space so that no parser normalises it.
void appendForXml(std::string& to, std::string_view value) {
  for (std::string_view rest = value; !rest.empty();) {
    std::string_view before = rest;
    char32_t c = text::takeCodePoint(rest);
    switch (c) {
      case '&':
        to += "&amp;";
        break;
      case '<':
        to += "&lt;";
        break;
      case '>':
        to += "&gt;";
        break;
      case '"':
        to += "&quot;";
        break;
      case '\'':
        to += "&apos;";
        break;
      case '\t':
      case '\n':
      case '\r':
        to += "&#" + std::to_string(static_cast<unsigned>(c)) + ";";
        break;
      default:
        if (c < 0x20 || c == 0xFFFE || c == 0xFFFF)
          text::append(to, text::replacement);
        else
          to.append(before.substr(0, before.size() - rest.size()));
    }
  }
}

// {encoding} is unknown in a mail, because a mail declares the encoding of its text in its own headers.
bool isKnown(Placeholder placeholder, Place place) {
  return place != Place::mail || placeholder != Placeholder::encoding;
}

std::optional<Placeholder> placeholderNamed(std::string_view name, Place place) {
  for (auto& [word, placeholder] : words)
    if (word == name && isKnown(placeholder, place)) return placeholder;
  return std::nullopt;
}

const Constant* constantNamed(std::string_view name, const Constants& constants) {
  auto found =
      std::find_if(constants.begin(), constants.end(), [&](const Constant& c) { return c.name == name; });
  return found == constants.end() ? nullptr : &*found;
}

bool isName(std::string_view name) {
  return !name.empty() && name[0] >= 'a' && name[0] <= 'z' &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || isDigit(c) || c == '_'; });
}

/// Returns the message for an unknown {name}. It quotes a name of small letters and _ only, because the
/// operator may have written the password itself into the braces.
std::string noPlaceholder(std::string_view name, Place place) {
  constexpr std::size_t longestName = 32;
  bool isPlausible =
      !name.empty() && name.size() <= longestName &&
      std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  std::string problem = isPlausible ? "{" + std::string(name) + "} is " : "";
  problem += "not a placeholder, expected one of ";
  for (auto& [word, placeholder] : words)
    if (isKnown(placeholder, place))
      problem += (placeholder == words[0].second ? "{" : ", {") + std::string(word) + "}";
  return problem + " or a name from `secrets`";
}

}  // namespace

void appendEscaped(std::string& to, std::string_view value, Place place) {
  switch (place) {
    case Place::url:
    case Place::form:
      return appendForUrl(to, value);
    case Place::json:
      return appendForJson(to, value);
    case Place::xml:
      return appendForXml(to, value);
    case Place::header:
      return appendForHeader(to, value);
    case Place::mail:
      to += value;
      return;
  }
  std::abort();
}

// Drops only the characters that people write between the digits of a number. To drop others could give
// another number.
std::optional<std::string> digitsOf(std::string_view recipient) {
  constexpr std::string_view dropped = "+-.()/ \t";
  constexpr std::string_view noBreakSpace = "\xC2\xA0";
  std::string digits;
  while (!recipient.empty()) {
    const char c = recipient[0];
    const bool isWide = recipient.starts_with(noBreakSpace);
    if (isDigit(c))
      digits += c;
    else if (!isWide && dropped.find(c) == std::string_view::npos)
      return std::nullopt;
    recipient.remove_prefix(isWide ? noBreakSpace.size() : 1);
  }
  if (digits.empty()) return std::nullopt;
  return digits;
}

std::string escaped(std::string_view value, Place place) {
  std::string result;
  appendEscaped(result, value, place);
  return result;
}

std::string describe(const TemplateProblem& problem) {
  return "character " + std::to_string(problem.at) + ": " + problem.what;
}

std::variant<Template, TemplateProblem> Template::parse(std::string_view text, Place place,
                                                        const Constants& constants) {
  Template result;
  result.place_ = place;
  const bool bracesMayStand = place == Place::json || place == Place::xml;
  Part part;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t brace = std::min(text.find_first_of("{}", at), text.size());
    part.literal += text.substr(at, brace - at);
    at = brace;
    if (brace == text.size()) break;
    std::size_t end = text[brace] == '{' ? text.find('}', brace) : std::string_view::npos;
    std::string_view name = end == std::string_view::npos ? "" : text.substr(brace + 1, end - brace - 1);
    // A secret whose name is missing has an empty one until the file is mended; braces never mean it.
    auto placeholder = name.empty() ? std::nullopt : placeholderNamed(name, place);
    const Constant* constant = placeholder || name.empty() ? nullptr : constantNamed(name, constants);
    if (!placeholder && constant == nullptr) {
      if (!bracesMayStand || isName(name)) return TemplateProblem{brace + 1, noPlaceholder(name, place)};
      part.literal += text[at++];
      continue;
    }
    if (result.firstNameAt_ == 0) result.firstNameAt_ = brace + 1;
    at = end + 1;
    if (constant != nullptr) {
      // Not escaped, so that a token in a header stays unchanged: parseHeaderValue() has refused invalid
      // characters.
      if (place == Place::header)
        part.literal += constant->value.reveal();
      else
        appendEscaped(part.literal, constant->value.reveal(), place);
      continue;
    }
    part.placeholder = placeholder;
    part.at = brace + 1;
    result.parts_.push_back(std::exchange(part, {}));
  }
  if (!part.literal.empty()) result.parts_.push_back(std::move(part));
  return result;
}

void Template::append(std::string& to, const Values& values) const {
  for (auto& part : parts_) {
    to += part.literal;
    if (!part.placeholder) continue;
    switch (*part.placeholder) {
      case Placeholder::recipient:
        appendEscaped(to, values.recipient, place_);
        break;
      case Placeholder::digits:
        to += digitsOf(values.recipient).value_or("");
        break;
      case Placeholder::text:
        appendEscaped(to, values.text, place_);
        break;
      case Placeholder::key:
        appendEscaped(to, values.key, place_);
        break;
      case Placeholder::encoding:
        appendEscaped(to, values.encoding, place_);
        break;
    }
  }
}

std::string Template::expand(const Values& values) const {
  std::string result;
  std::size_t length = 2 * values.text.size();  // seldom exceeded: one allocation instead of five
  for (auto& part : parts_) length += part.literal.size() + values.recipient.size();
  result.reserve(length);
  append(result, values);
  return result;
}

std::string Template::filledWith(std::string_view value) const {
  std::string result;
  for (auto& part : parts_) {
    result += part.literal;
    if (part.placeholder) appendEscaped(result, value, place_);
  }
  return result;
}

std::optional<std::size_t> Template::find(Placeholder placeholder) const {
  for (auto& part : parts_)
    if (part.placeholder == placeholder) return part.at;
  return std::nullopt;
}

// A token of RFC 9110
bool isHeaderName(std::string_view name) {
  constexpr std::string_view others = "!#$%&'*+^`|";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return isUnreserved(c) || others.find(c) != std::string_view::npos;
  });
}

std::variant<Template, TemplateProblem> parseHeaderValue(std::string_view text, const Constants& constants) {
  for (std::size_t i = 0; i < text.size(); ++i)
    if (!isPrintable(text[i]))
      return TemplateProblem{i + 1, "does not belong in a header, expected printable ASCII"};
  for (auto& constant : constants) {
    const std::string& value = constant.value.reveal();
    std::size_t at = text.find("{" + constant.name + "}");
    if (at != std::string_view::npos && !std::all_of(value.begin(), value.end(), isPrintable))
      return TemplateProblem{at + 1,
                             "its secret cannot stand in a header, expected printable ASCII in its file"};
  }
  return Template::parse(text, Place::header, constants);
}

}  // namespace smsd::net
