// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/config/shown.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/config/values.h"
#include "common/text/utf.h"

namespace smsd::config {
namespace {

// After one of these a value may begin: key:value, key=value, user:password@host.
constexpr std::string_view valueMayBegin = ":=@";

// Returns the beginning of `word` in quotes: bounded, printable, one line.
std::string inQuotes(std::string_view word) {
  constexpr std::size_t most = 40;
  const std::string_view begin = text::truncated(word.substr(0, word.find_first_of(valueMayBegin)), most);
  return fmt::format("'{}{}", text::printable(begin), begin.size() < word.size() ? "...'" : "'");
}

bool isNumber(std::string_view text) {
  return !text.empty() && text.find_first_not_of("-0123456789.") == std::string_view::npos;
}

}  // namespace

std::string found(const Node& node) {
  const bool quotable = node.quoting == Quoting::harmless;
  switch (node.kind) {
    case Node::Kind::empty:
      return "found no value";
    case Node::Kind::list:
      return "found a list";
    case Node::Kind::map:
      return "found a map";
    case Node::Kind::quoted:
      return quotable ? fmt::format("found the quoted text {}", inQuotes(node.scalar))
                      : "found a quoted text";
    case Node::Kind::plain:
      break;
  }
  if (quotable) return fmt::format("found {}", inQuotes(node.scalar));
  return isNumber(node.scalar) ? "found a number" : "found a text";
}

std::string shownKey(std::string_view key, Quoting quoting, const std::vector<std::string>& known) {
  if (quoting == Quoting::harmless || closest(headOf(key), known)) return " " + inQuotes(key);
  return " (not shown: it may be a secret)";
}

std::string_view headOf(std::string_view word) { return word.substr(0, word.find_first_of(valueMayBegin)); }

std::string blankAdvice(std::string_view word) {
  const std::string_view head = headOf(word);
  const bool isKey = !head.empty() && std::all_of(head.begin(), head.end(),
                                                  [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  const std::string_view rest = word.substr(head.size());
  if (!isKey || rest.size() < 2 || rest[0] != ':' || rest[1] == ' ' || rest[1] == '/') return {};
  return "a blank is missing after the colon, ";
}

}  // namespace smsd::config
