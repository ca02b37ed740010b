// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/soap/envelope.h"

#include <algorithm>
#include <pugixml.hpp>
#include <set>
#include <utility>

#include "workers/net/template.h"

namespace smsd::soap {
namespace {

constexpr std::string_view soapEnvelope = "http://schemas.xmlsoap.org/soap/envelope/";
constexpr std::string_view soap12Envelope = "http://www.w3.org/2003/05/soap-envelope";
constexpr std::size_t mostValues = 256;  // in one answer, nested values included
constexpr int deepest = 8;               // levels of nested values

std::string_view localName(pugi::xml_node node) {
  std::string_view name = node.name();
  std::size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

/// The parser knows no namespaces, so the nearest declaration of the prefix is looked up here.
std::string_view nameSpaceOf(pugi::xml_node node) {
  std::string_view name = node.name();
  std::size_t colon = name.find(':');
  std::string declaration = "xmlns";
  if (colon != std::string_view::npos) declaration += ":" + std::string(name.substr(0, colon));
  for (; node; node = node.parent())
    if (auto attribute = node.attribute(declaration.c_str())) return attribute.value();
  return {};
}

bool isSoap(pugi::xml_node node, std::string_view name) {
  if (localName(node) != name) return false;
  auto nameSpace = nameSpaceOf(node);
  return nameSpace == soapEnvelope || nameSpace == soap12Envelope;
}

bool isFollowedBy(pugi::xml_node node, std::string_view name) {
  while ((node = node.next_sibling()))
    if (isSoap(node, name)) return true;
  return false;
}

pugi::xml_node firstElement(pugi::xml_node parent) {
  return parent.find_child([](pugi::xml_node node) { return node.type() == pugi::node_element; });
}

pugi::xml_node childNamed(pugi::xml_node parent, std::string_view name) {
  return parent.find_child(
      [&](pugi::xml_node node) { return node.type() == pugi::node_element && localName(node) == name; });
}

std::ptrdiff_t countElements(pugi::xml_node parent, std::string_view name) {
  return std::count_if(parent.begin(), parent.end(), [&](pugi::xml_node node) {
    return node.type() == pugi::node_element && localName(node) == name;
  });
}

/// SOAP 1.1, 5.4.1: a value may be a reference to an element elsewhere in the body. Follows one reference
/// only.
pugi::xml_node resolved(pugi::xml_node value, pugi::xml_node body) {
  std::string_view reference = value.attribute("href").value();
  if (!reference.starts_with('#')) return value;
  return body.find_child(
      [&](pugi::xml_node node) { return node.attribute("id").value() == reference.substr(1); });
}

bool isNil(pugi::xml_node node) {
  for (auto attribute : node.attributes()) {
    std::string_view name = attribute.name();
    std::string_view value = attribute.value();
    if ((name.ends_with(":nil") || name.ends_with(":null")) && (value == "1" || value == "true")) return true;
  }
  return false;
}

bool isArray(pugi::xml_node node) {
  for (auto attribute : node.attributes())
    if (std::string_view(attribute.name()).ends_with(":arrayType")) return true;
  return false;
}

/// Reads values and the values within them. The bound on the depth ends a cycle of references.
class ValueReader {
 public:
  explicit ValueReader(pugi::xml_node body) : body_(body) {}

  nlohmann::json of(pugi::xml_node node, int depth = 0) {
    node = resolved(node, body_);
    if (!node || isNil(node)) return nullptr;
    if (isArray(node)) return listOf(node, depth);
    if (firstElement(node)) return partsOf(node, depth);
    return std::string(node.text().get());
  }

  /// Returns a map of the parts by name. Parts with the same name become a list.
  nlohmann::json partsOf(pugi::xml_node node, int depth) {
    auto parts = nlohmann::json::object();
    std::set<std::string> several;
    forEachIn(node, depth, [&](pugi::xml_node child) {
      std::string name(localName(child));
      auto value = of(child, depth + 1);
      auto found = parts.find(name);
      if (found == parts.end()) {
        parts.emplace(std::move(name), std::move(value));
        return;
      }
      if (several.insert(name).second) *found = nlohmann::json::array({std::move(*found)});
      found->push_back(std::move(value));
    });
    return parts;
  }

  /// No value is read any more.
  bool isExhausted() const { return left_ == 0; }

 private:
  nlohmann::json listOf(pugi::xml_node node, int depth) {
    auto list = nlohmann::json::array();
    forEachIn(node, depth, [&](pugi::xml_node child) { list.push_back(of(child, depth + 1)); });
    return list;
  }

  template <typename Act>
  void forEachIn(pugi::xml_node node, int depth, Act act) {
    if (depth >= deepest) return;
    for (auto child : node.children()) {
      if (child.type() != pugi::node_element) continue;
      if (left_ == 0) return;
      --left_;
      act(child);
    }
  }

  pugi::xml_node body_;
  std::size_t left_ = mostValues;
};

/// SOAP 1.1, 4.4, and SOAP 1.2 part 1, 5.4, where the elements have other names.
nlohmann::json faultOf(pugi::xml_node fault) {
  std::string code = childNamed(fault, "faultcode").text().get();
  std::string text = childNamed(fault, "faultstring").text().get();
  if (auto code12 = childNamed(fault, "Code")) {
    code = childNamed(code12, "Value").text().get();
    text = childNamed(childNamed(fault, "Reason"), "Text").text().get();
  }
  // The sender chooses the prefix, so it means nothing here.
  if (std::size_t colon = code.find(':'); colon != std::string::npos) code.erase(0, colon + 1);
  return {{"fault", {{"code", code}, {"text", text}}}};
}

nlohmann::json resultOf(pugi::xml_node response, pugi::xml_node body, std::string_view wanted) {
  ValueReader reader(body);
  nlohmann::json answer = {{"values", reader.partsOf(response, 0)}};
  std::string name(wanted.empty() ? localName(firstElement(response)) : wanted);
  auto value = answer["values"].find(name);
  if (value == answer["values"].end()) return answer;
  // A further result may be beyond the bound on values.
  if (reader.isExhausted() && !value->is_structured() && countElements(response, name) > 1)
    *value = nlohmann::json::array({*value});
  answer["result"] = *value;
  return answer;
}

}  // namespace

bool isName(std::string_view name) {
  auto isLetter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && isLetter(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
    return isLetter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

std::string envelopeOf(std::string_view method, std::string_view nameSpace,
                       const std::vector<Parameter>& parameters) {
  std::string call(method);
  std::string declaration;
  if (!nameSpace.empty()) {
    call = "m:" + call;
    declaration = " xmlns:m=\"" + net::escaped(nameSpace, net::Place::xml) + "\"";
  }
  std::string body;
  for (auto& parameter : parameters)
    body += "<" + parameter.name + " xsi:type=\"xsd:" + parameter.type + "\">" +
            net::escaped(parameter.value, net::Place::xml) + "</" + parameter.name + ">";
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
         "<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"" +
         std::string(soapEnvelope) +
         "\" xmlns:SOAP-ENC=\"http://schemas.xmlsoap.org/soap/encoding/\""
         " xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" "
         "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
         " SOAP-ENV:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><SOAP-ENV:Body><" +
         call + declaration + ">" + body + "</" + call + "></SOAP-ENV:Body></SOAP-ENV:Envelope>";
}

std::optional<nlohmann::json> readAnswer(std::string_view xml, std::string_view result) {
  pugi::xml_document document;
  constexpr unsigned how = pugi::parse_default | pugi::parse_doctype | pugi::parse_ws_pcdata_single;
  if (!document.load_buffer(xml.data(), xml.size(), how, pugi::encoding_utf8)) return std::nullopt;
  if (document.find_child([](pugi::xml_node n) { return n.type() == pugi::node_doctype; }))
    return std::nullopt;
  // The envelope may not be the first element: a PHP notice may come before it.
  auto envelope = document.find_child([](pugi::xml_node n) { return isSoap(n, "Envelope"); });
  if (!envelope) return std::nullopt;
  auto body = envelope.find_child([](pugi::xml_node n) { return isSoap(n, "Body"); });
  auto content = firstElement(body);
  if (!content) return std::nullopt;
  // An answer with two messages, or with a fault behind a response, may contradict itself: one of the two may
  // come from the text of an SMS that the gateway sent back without escaping it.
  if (isFollowedBy(envelope, "Envelope") || isFollowedBy(body, "Body")) return std::nullopt;
  if (isSoap(content, "Fault")) return faultOf(content);
  if (isFollowedBy(content, "Fault")) return std::nullopt;
  return resultOf(content, body, result);
}

}  // namespace smsd::soap
