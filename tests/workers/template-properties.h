// SPDX-License-Identifier: GPL-3.0-or-later
// What templates promise whatever a text, a number or a key holds: it arrives as it is, and changes nothing
// of what stands around it. For tests with tables and for the fuzzer.
//
// Each check parses what a template makes of its values with the parser of its place, does the same with
// marks in the values' places, and compares the two. The marks are put in here, by the words of the manual,
// not by the code under test.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/text/utf.h"
#include "workers/net/template.h"

namespace smsd::test {

using Replacements = std::vector<std::pair<std::string, std::string>>;

/// Characters for private use, that need no escaping anywhere.
inline const std::vector<std::pair<std::string, std::string>>& marks() {
  static const std::vector<std::pair<std::string, std::string>> all = {{"{recipient}", "\xEE\x80\x81"},
                                                                       {"{digits}", "\xEE\x80\x82"},
                                                                       {"{text}", "\xEE\x80\x83"},
                                                                       {"{key}", "\xEE\x80\x84"},
                                                                       {"{encoding}", "\xEE\x80\x85"}};
  return all;
}

inline std::string replaced(std::string_view text, const Replacements& replacements) {
  std::string result;
  while (!text.empty()) {
    auto found = std::find_if(replacements.begin(), replacements.end(),
                              [&](auto& one) { return text.starts_with(one.first); });
    if (found == replacements.end()) {
      result += text[0];
      text.remove_prefix(1);
    } else {
      result += found->second;
      text.remove_prefix(found->first.size());
    }
  }
  return result;
}

inline std::string marked(std::string_view text) { return replaced(text, marks()); }

inline bool holdsMark(std::string_view text) { return text.find("\xEE\x80") != std::string_view::npos; }

inline Replacements meaningsOf(const net::Values& values) {
  std::string digits(values.recipient);
  for (std::size_t at; (at = digits.find("\xC2\xA0")) != digits.npos;) digits.erase(at, 2);
  std::erase_if(digits,
                [](char c) { return std::string_view("+-.()/ \t").find(c) != std::string_view::npos; });
  if (digits.find_first_not_of("0123456789") != digits.npos) digits.clear();
  return {{marks()[0].second, std::string(values.recipient)},
          {marks()[1].second, digits},
          {marks()[2].second, std::string(values.text)},
          {marks()[3].second, std::string(values.key)},
          {marks()[4].second, std::string(values.encoding)}};
}

/// A document as what a parser says of it, one after the other.
struct Token {
  std::string what;
  std::string value;
  bool operator==(const Token&) const = default;
};
using Tokens = std::vector<Token>;

inline std::string difference(const Tokens& expected, const Tokens& is) {
  if (expected == is) return {};
  std::string said = "the document is another one:";
  for (auto* tokens : {&expected, &is}) {
    said += tokens == &expected ? " expected" : " and is";
    for (auto& token : *tokens) said += " " + token.what + "(" + token.value + ")";
  }
  return said;
}

class JsonTokens final : public nlohmann::json_sax<nlohmann::json> {
 public:
  Tokens tokens;
  bool null() override { return add("null", ""); }
  bool boolean(bool value) override { return add("boolean", value ? "1" : "0"); }
  bool number_integer(number_integer_t value) override { return add("number", std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return add("number", std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { return add("number", text); }
  bool string(string_t& value) override { return add("string", value); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return add("{", ""); }
  bool key(string_t& value) override { return add("key", value); }
  bool end_object() override { return add("}", ""); }
  bool start_array(std::size_t) override { return add("[", ""); }
  bool end_array() override { return add("]", ""); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  bool add(std::string what, std::string value) {
    tokens.push_back({std::move(what), std::move(value)});
    return true;
  }
};

inline bool readJson(const std::string& text, Tokens& tokens) {
  JsonTokens reader;
  if (!nlohmann::json::sax_parse(text, &reader)) return false;
  tokens = std::move(reader.tokens);
  return true;
}

inline void walkXml(pugi::xml_node node, Tokens& tokens) {
  for (auto child : node.children()) {
    // One text may come as several; an empty one as none.
    if (child.type() == pugi::node_pcdata) {
      if (!tokens.empty() && tokens.back().what == "text")
        tokens.back().value += child.value();
      else
        tokens.push_back({"text", child.value()});
      continue;
    }
    tokens.push_back({"node " + std::to_string(child.type()) + " " + child.name(), child.value()});
    for (auto attribute : child.attributes())
      tokens.push_back({std::string("attribute ") + attribute.name(), attribute.value()});
    walkXml(child, tokens);
    tokens.push_back({"end", ""});
  }
}

/// Stricter than the parser in one thing: a & that begins no reference is an error, as XML has it.
inline bool referencesAreWhole(std::string_view text) {
  for (std::size_t at = text.find('&'); at != std::string_view::npos; at = text.find('&', at + 1)) {
    std::string_view name = text.substr(at + 1, text.find(';', at) - at - 1);
    bool named = name == "amp" || name == "lt" || name == "gt" || name == "quot" || name == "apos";
    bool hex = name.starts_with("#x");
    std::string_view digits = name.substr(std::min<std::size_t>(name.size(), hex ? 2 : 1));
    bool number = name.starts_with('#') && !digits.empty() &&
                  digits.find_first_not_of(hex ? "0123456789abcdefABCDEF" : "0123456789") == digits.npos;
    if (!named && !number) return false;
  }
  return true;
}

inline bool readXml(const std::string& text, Tokens& tokens) {
  pugi::xml_document document;
  constexpr unsigned how = pugi::parse_full | pugi::parse_ws_pcdata;
  if (!document.load_buffer(text.data(), text.size(), how, pugi::encoding_utf8)) return false;
  walkXml(document, tokens);
  std::erase_if(tokens, [](const Token& token) { return token.what == "text" && token.value.empty(); });
  return true;
}

/// What XML has no way to write arrives as U+FFFD.
inline std::string asXmlHasIt(std::string_view value) {
  std::u32string text = text::decode(value);
  for (char32_t& c : text)
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0xFFFE || c == 0xFFFF)
      c = text::replacement;
  return text::encode(text);
}

inline std::string percentDecoded(std::string_view text) {
  auto digit = [](char c) { return std::string_view("0123456789abcdef").find(c | 0x20); };
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool escape = text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) < 16 && digit(text[i + 2]) < 16;
    result += escape ? static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  return result;
}

/// Names and values, as a server takes them apart before it decodes them.
inline Tokens readForm(std::string_view text, std::string_view separators) {
  Tokens tokens = {{"start", ""}};
  for (;;) {
    std::size_t end = std::min(text.find_first_of(separators), text.size());
    tokens.back().value = percentDecoded(text.substr(0, end));
    if (end == text.size()) return tokens;
    tokens.push_back({std::string(1, text[end]), ""});
    text.remove_prefix(end + 1);
  }
}

inline void fillIn(Tokens& tokens, const Replacements& meanings) {
  for (auto& token : tokens) token.value = replaced(token.value, meanings);
  std::erase_if(tokens, [](const Token& token) { return token.what == "text" && token.value.empty(); });
}

inline std::string brokenJson(std::string_view text, const std::string& body, const net::Values& values) {
  Tokens expected, is;
  if (!readJson(marked(text), expected)) return "a template that is no JSON was taken";
  if (!readJson(body, is)) return "the body is no JSON: " + body;
  fillIn(expected, meaningsOf(values));
  return difference(expected, is);
}

inline std::string brokenXml(std::string_view text, const std::string& body, const net::Values& values) {
  Tokens expected, is;
  if (!readXml(marked(text), expected)) return "a template that is no XML was taken";
  if (!readXml(body, is)) return "the body is no XML: " + body;
  // In comments and the like a & is a character like others.
  bool plain = text.find("<!") == text.npos && text.find("<?") == text.npos;
  if (plain && !referencesAreWhole(body)) return "a reference is not whole: " + body;
  Replacements meanings = meaningsOf(values);
  for (auto& [mark, meaning] : meanings) meaning = asXmlHasIt(meaning);
  fillIn(expected, meanings);
  return difference(expected, is);
}

/// What is broken, or nothing. A template that is refused breaks no promise. JSON and XML take valid UTF-8.
inline std::string brokenBody(net::BodyType type, std::string_view text, const net::Values& values) {
  auto parsed = net::BodyTemplate::parse(text, type);
  if (std::holds_alternative<net::TemplateProblem>(parsed) || holdsMark(text)) return {};
  std::string body = std::get<net::BodyTemplate>(parsed).expand(values);
  switch (type) {
    case net::BodyType::json:
      return brokenJson(text, body, values);
    case net::BodyType::xml:
      return brokenXml(text, body, values);
    case net::BodyType::form:
      break;
  }
  Tokens expected = readForm(marked(text), "&=");
  fillIn(expected, meaningsOf(values));
  return difference(expected, readForm(body, "&="));
}

inline std::string brokenUrl(std::string_view text, const net::Values& values) {
  auto parsed = net::UrlTemplate::parse(text);
  if (std::holds_alternative<net::TemplateProblem>(parsed)) return {};
  auto& url = std::get<net::UrlTemplate>(parsed);
  auto filled = url.expand(values);
  Tokens expected = readForm(marked(text), "/?#&=:@");
  fillIn(expected, meaningsOf(values));
  if (!filled) {
    for (auto& token : expected)
      if (token.value.find('.') != token.value.npos) return {};
    return "a value without a dot climbs out of nothing";
  }
  auto origin = net::originOf(*filled);
  if (!origin || origin->text != url.origin()) return "it leads elsewhere: " + *filled;
  for (char c : *filled)
    if (c <= ' ' || c > '~') return "a character that no URL has: " + *filled;
  return difference(expected, readForm(*filled, "/?#&=:@"));
}

/// A header is decoded by what reads it, piece by piece: what stands around the values is not escaped.
inline std::string brokenHeader(std::string_view text, const net::Values& values) {
  auto parsed = net::parseHeaderValue(text);
  if (std::holds_alternative<net::TemplateProblem>(parsed)) return {};
  Replacements escapes;
  Replacements meanings = meaningsOf(values);
  for (std::size_t i = 0; i < meanings.size(); ++i) {
    std::string escape = net::escaped(meanings[i].second, net::Place::header);
    if (percentDecoded(escape) != meanings[i].second) return "a value does not come back: " + escape;
    if (escape.starts_with(' ') || escape.ends_with(' ')) return "a blank at an edge is lost: " + escape;
    escapes.emplace_back(marks()[i].first, escape);
  }
  std::string line = std::get<net::Template>(parsed).expand(values);
  for (char c : line)
    if (c < ' ' || c > '~') return "a character that no header has: " + line;
  return line == replaced(text, escapes) ? "" : "the header is another one: " + line;
}

}  // namespace smsd::test
