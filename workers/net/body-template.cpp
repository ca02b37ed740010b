// SPDX-License-Identifier: GPL-3.0-or-later
// Bodies of template.h. A JSON or XML body is parsed once with samples in place of the placeholders, to check
// that the escaping is valid at each: within a string, within character data or an attribute's value.
#include <re2/re2.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <utility>

#include "workers/net/template.h"

namespace smsd::net {
namespace {

// Neither a number, a word of JSON nor a name of XML, so that it parses only in a place for any text.
constexpr std::string_view sample = "\x7Fsmsd\x7F";

bool isHex(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f'); }

std::optional<TemplateProblem> problemOfForm(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (!alphanumeric && std::string_view("-._~:/?[]@!$'()*+,;&=%{}").find(c) == std::string_view::npos)
      return TemplateProblem{i + 1, "does not belong in a form, expected it as %XX"};
    // Otherwise a value after the % would become a part of the escape.
    if (c == '%' && (i + 2 >= text.size() || !isHex(text[i + 1]) || !isHex(text[i + 2])))
      return TemplateProblem{i + 1,
                             "% without two hexadecimal digits, expected %25 for the character itself"};
  }
  return std::nullopt;
}

// Recognises JSON or XML without `body_type`. Otherwise the message would be about a quotation mark in a
// form.
std::optional<TemplateProblem> problemOfType(std::string_view text) {
  std::size_t at = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  std::string_view rest = text.substr(at);
  static const RE2 name("\\{[a-z][a-z0-9_]*\\}");
  bool isName =
      name.Match(re2::StringPiece(rest.data(), rest.size()), 0, rest.size(), RE2::ANCHOR_START, nullptr, 0);
  if (rest.starts_with('<'))
    return TemplateProblem{at + 1, "looks like XML, expected `body_type: xml` beside it"};
  if ((rest.starts_with('{') && !isName) || rest.starts_with('['))
    return TemplateProblem{at + 1, "looks like JSON, expected `body_type: json` beside it"};
  return std::nullopt;
}

// Replaces each {name} by fillers of the same length. A problem that remains does not come from the names,
// and its place is that in the original text.
std::string withoutNames(std::string_view text, char filler) {
  static const RE2 name("\\{[a-z][a-z0-9_]*\\}");
  std::string result(text);
  re2::StringPiece whole(text.data(), text.size()), found;
  for (std::size_t at = 0; name.Match(whole, at, whole.size(), RE2::UNANCHORED, &found, 1);) {
    std::size_t start = static_cast<std::size_t>(found.data() - text.data());
    at = start + found.size();
    std::fill(result.begin() + static_cast<std::ptrdiff_t>(start),
              result.begin() + static_cast<std::ptrdiff_t>(at), filler);
  }
  return result;
}

std::size_t countOf(std::string_view what, std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

/// Accepts any JSON, and notes where the parser stopped. Used instead of exceptions, because their messages
/// quote the text.
struct EndOfJson final : nlohmann::json_sax<nlohmann::json> {
  std::optional<std::size_t> at;
  enum class Why { syntax, number } why = Why::syntax;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& e) override {
    at = position;
    if (dynamic_cast<const nlohmann::json::out_of_range*>(&e) != nullptr) why = Why::number;
    return false;
  }
};

EndOfJson endOfJson(const std::string& text) {
  EndOfJson end;
  nlohmann::json::sax_parse(text, &end);
  return end;
}

/// `written` is the operator's text, `text` is the same with samples in place of the names.
std::optional<TemplateProblem> problemOfJson(std::string_view written, const std::string& text) {
  // A backslash before a placeholder would consume the backslash of the escaped sample, so that the parsed
  // string does not contain the sample.
  std::size_t found = 0;
  auto counting = [&](int, nlohmann::json::parse_event_t, nlohmann::json& parsed) {
    if (parsed.is_string()) found += countOf(sample, parsed.get_ref<const std::string&>());
    return true;
  };
  auto document = nlohmann::json::parse(text, counting, false);
  if (!document.is_discarded() && found == countOf(escaped(sample, Place::json), text)) return std::nullopt;
  // Two fillers: 1 is valid in a string and as a value, n in a string and after a backslash.
  auto end = endOfJson(withoutNames(written, '1'));
  auto plain = endOfJson(withoutNames(written, 'n'));
  if (plain.at && plain.why == EndOfJson::Why::number)
    return TemplateProblem{std::clamp<std::size_t>(*plain.at, 1, written.size()),
                           "a number larger than programs can hold, expected less than 1e308"};
  if (end.at && end.why == EndOfJson::Why::syntax && plain.at) {
    if (*end.at > written.size())
      return TemplateProblem{written.size(), "not JSON: it ends before it is whole"};
    return TemplateProblem{
        std::max<std::size_t>(*end.at, 1),
        "not JSON from here on; look for a comma, a quotation mark or a bracket too many or too few"};
  }
  return TemplateProblem{1, "not JSON once the placeholders have values; they may stand within strings only"};
}

// Finds a & that begins no reference (XML 1.0, 4.1). The parser accepts it as text, but together with a value
// after it the & could become a reference.
std::optional<TemplateProblem> problemOfReferences(std::string_view whole) {
  constexpr std::pair<std::string_view, std::string_view> others[] = {
      {"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}};
  for (std::string_view text = whole; !text.empty();) {
    for (auto& [begin, end] : others)
      if (text.starts_with(begin)) text.remove_prefix(std::min(text.find(end), text.size() - 1));
    if (text[0] == '&') {
      std::string_view name = text.substr(1, std::min(text.find(';'), text.size()) - 1);
      static const RE2 reference("amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6}");
      if (!RE2::FullMatch(re2::StringPiece(name.data(), name.size()), reference))
        return TemplateProblem{whole.size() - text.size() + 1,
                               "a & begins no &amp; or the like, expected &amp; for the character itself"};
    }
    text.remove_prefix(1);
  }
  return std::nullopt;
}

struct SampleCounter final : pugi::xml_tree_walker {
  std::size_t count = 0;
  bool for_each(pugi::xml_node& node) override {
    if (node.type() == pugi::node_pcdata) count += countOf(sample, node.value());
    for (auto attribute : node.attributes()) count += countOf(sample, attribute.value());
    return true;
  }
};

std::optional<TemplateProblem> problemOfXml(std::string_view written, const std::string& text) {
  // No reference contains this filler.
  if (auto problem = problemOfReferences(withoutNames(written, 'n'))) return problem;
  pugi::xml_document document;
  auto result = document.load_buffer(text.data(), text.size(), pugi::parse_full, pugi::encoding_utf8);
  if (!result || document.document_element().empty()) {
    std::string plain = withoutNames(written, 'n');
    auto end =
        pugi::xml_document().load_buffer(plain.data(), plain.size(), pugi::parse_full, pugi::encoding_utf8);
    if (!end)
      return TemplateProblem{static_cast<std::size_t>(end.offset) + 1,
                             std::string("not XML: ") + end.description()};
    return TemplateProblem{1, "not XML once the placeholders have values"};
  }
  if (!document.find_child([](pugi::xml_node n) { return n.type() == pugi::node_doctype; }).empty())
    return TemplateProblem{1, "expected XML without a document type"};
  SampleCounter counter;
  document.traverse(counter);
  if (counter.count == countOf(sample, text)) return std::nullopt;
  return TemplateProblem{1, "a placeholder may stand in character data and attributes' values only"};
}

Place placeOf(BodyType type) {
  switch (type) {
    case BodyType::form:
      return Place::form;
    case BodyType::json:
      return Place::json;
    case BodyType::xml:
      return Place::xml;
  }
  std::abort();
}

}  // namespace

std::string_view contentTypeOf(BodyType type) {
  switch (type) {
    case BodyType::form:
      return "application/x-www-form-urlencoded";
    case BodyType::json:
      return "application/json";
    case BodyType::xml:
      return "text/xml; charset=utf-8";
  }
  std::abort();
}

std::variant<BodyTemplate, TemplateProblem> BodyTemplate::parse(std::string_view text, BodyType type,
                                                                const Constants& constants) {
  if (type == BodyType::form)
    if (auto problem = problemOfForm(text)) return problemOfType(text).value_or(*problem);
  auto parsed = Template::parse(text, placeOf(type), constants);
  if (auto problem = std::get_if<TemplateProblem>(&parsed)) return *problem;
  BodyTemplate result;
  result.template_ = std::get<Template>(std::move(parsed));
  // Samples for constants too, because a secret must not be outside of a string either.
  Constants samples;
  for (auto& constant : constants) samples.push_back({constant.name, config::Secret(std::string(sample))});
  std::string filled = std::get<Template>(Template::parse(text, placeOf(type), samples)).filledWith(sample);
  std::optional<TemplateProblem> problem;
  if (type == BodyType::json) problem = problemOfJson(text, filled);
  if (type == BodyType::xml) problem = problemOfXml(text, filled);
  if (problem) return *problem;
  return result;
}

}  // namespace smsd::net
