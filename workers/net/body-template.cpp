// See template.h: bodies. A JSON or XML body is parsed once with samples in it, to see that each placeholder
// stands where its escaping holds: within a string, within character data or an attribute's value.
#include <re2/re2.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <utility>

#include "workers/net/template.h"

namespace smsd::net {
namespace {

// Not a number, a word of JSON or a name of XML: it parses only where a value may hold anything.
constexpr std::string_view sample = "\x7Fsmsd\x7F";

bool isHex(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f'); }

std::optional<Problem> problemOfForm(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (!alphanumeric && std::string_view("-._~:/?[]@!$'()*+,;&=%{}").find(c) == std::string_view::npos)
      return Problem{i + 1, "does not belong in a form, expected it as %XX"};
    // A value behind it would become a part of the escape.
    if (c == '%' && (i + 2 >= text.size() || !isHex(text[i + 1]) || !isHex(text[i + 2])))
      return Problem{i + 1, "% without two hexadecimal digits, expected %25 for the character itself"};
  }
  return std::nullopt;
}

std::size_t countOf(std::string_view what, std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

std::optional<Problem> problemOfJson(const std::string& text) {
  // A backslash before a placeholder would take the one from its escaping: the sample does not come back.
  std::size_t found = 0;
  auto counting = [&](int, nlohmann::json::parse_event_t, nlohmann::json& parsed) {
    if (parsed.is_string()) found += countOf(sample, parsed.get_ref<const std::string&>());
    return true;
  };
  auto document = nlohmann::json::parse(text, counting, false);
  if (!document.is_discarded() && found == countOf(escaped(sample, Place::json), text)) return std::nullopt;
  return Problem{1, "not JSON once the placeholders have values; they may stand within strings only"};
}

// XML 1.0, 4.1. The parser takes a & that begins no reference for itself; with a value in it, it could be
// one.
std::optional<Problem> problemOfReferences(std::string_view text) {
  constexpr std::pair<std::string_view, std::string_view> others[] = {
      {"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}};
  while (!text.empty()) {
    for (auto& [begin, end] : others)
      if (text.starts_with(begin)) text.remove_prefix(std::min(text.find(end), text.size() - 1));
    if (text[0] == '&') {
      std::string_view name = text.substr(1, std::min(text.find(';'), text.size()) - 1);
      static const RE2 reference("amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6}");
      if (!RE2::FullMatch(re2::StringPiece(name.data(), name.size()), reference))
        return Problem{1, "a & begins no &amp; or the like, expected &amp; for the character itself"};
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

std::optional<Problem> problemOfXml(const std::string& text) {
  if (auto problem = problemOfReferences(text)) return problem;
  pugi::xml_document document;
  auto result = document.load_buffer(text.data(), text.size(), pugi::parse_full, pugi::encoding_utf8);
  if (!result || document.document_element().empty())
    return Problem{1, "not XML once the placeholders have values"};
  if (!document.find_child([](pugi::xml_node n) { return n.type() == pugi::node_doctype; }).empty())
    return Problem{1, "expected XML without a document type"};
  SampleCounter counter;
  document.traverse(counter);
  if (counter.count == countOf(sample, text)) return std::nullopt;
  return Problem{1, "a placeholder may stand in character data and attributes' values only"};
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

std::variant<BodyTemplate, Problem> BodyTemplate::parse(std::string_view text, BodyType type,
                                                        const Constants& constants) {
  if (type == BodyType::form)
    if (auto problem = problemOfForm(text)) return *problem;
  auto parsed = Template::parse(text, placeOf(type), constants);
  if (auto problem = std::get_if<Problem>(&parsed)) return *problem;
  BodyTemplate result;
  result.template_ = std::get<Template>(std::move(parsed));
  // Constants too: a secret has no business outside of a string either.
  Constants samples;
  for (auto& constant : constants) samples.push_back({constant.name, config::Secret(std::string(sample))});
  std::string filled = std::get<Template>(Template::parse(text, placeOf(type), samples)).filledWith(sample);
  std::optional<Problem> problem;
  if (type == BodyType::json) problem = problemOfJson(filled);
  if (type == BodyType::xml) problem = problemOfXml(filled);
  if (problem) return *problem;
  return result;
}

}  // namespace smsd::net
