// See template.h: bodies. A JSON or XML body is parsed once with samples in it, to see that each placeholder
// stands where its escaping holds: within a string, within character data or an attribute's value.
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <utility>

#include "workers/net/template.h"

namespace smsd::net {
namespace {

// Not a number, a word of JSON or a name of XML: it parses only where a value may hold anything.
constexpr std::string_view sample = "\x7Fsmsd\x7F";

std::optional<Problem> problemOfForm(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (!alphanumeric && std::string_view("-._~:/?[]@!$'()*+,;&=%{}").find(c) == std::string_view::npos)
      return Problem{i + 1, "does not belong in a form, expected it as %XX"};
  }
  return std::nullopt;
}

std::size_t samplesIn(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = text.find(sample); at != std::string_view::npos; at = text.find(sample, at + 1))
    ++count;
  return count;
}

std::optional<Problem> problemOfJson(const std::string& text) {
  // A sample that stands outside of a string is no JSON.
  if (nlohmann::json::accept(text)) return std::nullopt;
  return Problem{1, "not JSON once the placeholders have values; they may stand within strings only"};
}

struct SampleCounter final : pugi::xml_tree_walker {
  std::size_t count = 0;
  bool for_each(pugi::xml_node& node) override {
    if (node.type() == pugi::node_pcdata) count += samplesIn(node.value());
    for (auto attribute : node.attributes()) count += samplesIn(attribute.value());
    return true;
  }
};

std::optional<Problem> problemOfXml(const std::string& text, std::size_t placeholders) {
  pugi::xml_document document;
  auto result = document.load_buffer(text.data(), text.size(), pugi::parse_full, pugi::encoding_utf8);
  if (!result || document.document_element().empty())
    return Problem{1, "not XML once the placeholders have values"};
  if (!document.find_child([](pugi::xml_node n) { return n.type() == pugi::node_doctype; }).empty())
    return Problem{1, "expected XML without a document type"};
  SampleCounter counter;
  document.traverse(counter);
  if (counter.count == placeholders) return std::nullopt;
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
  auto probe = std::get<Template>(Template::parse(text, placeOf(type), samples));
  std::string filled;
  for (auto& values : {Values{sample, sample, sample, sample}}) probe.append(filled, values);
  std::optional<Problem> problem;
  if (type == BodyType::json) problem = problemOfJson(filled);
  if (type == BodyType::xml) problem = problemOfXml(filled, samplesIn(filled));
  if (problem) return *problem;
  return result;
}

}  // namespace smsd::net
