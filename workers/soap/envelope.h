// SOAP 1.1, RPC/encoded: the envelope of a call; and what an answer holds, of SOAP 1.1 or 1.2.
//
// Pure: no I/O, no KJ. Called by soap.cpp. An answer is untrusted: it is bounded before it comes here, and
// read by a parser that knows no entities but XML's own five, opens no file and asks no network; one with a
// document type is no SOAP (SOAP 1.1, section 3).
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smsd::soap {

struct Parameter {
  std::string name;
  std::string type = "string";  // of XML Schema
  std::string value;            // with placeholders
};

/// The envelope as a template of XML: what stands in a value is text, its placeholders stay.
std::string envelopeOf(std::string_view method, std::string_view nameSpace,
                       const std::vector<Parameter>& parameters);

/// A name without a prefix that may stand in XML.
bool isName(std::string_view name);

/// What an answer holds: {"result": ..., "values": {name: ...}} or {"fault": {"code": ..., "text": ...}}.
/// A value is a text, null, a map of its parts by name, or a list: an array of SOAP's, or what has one name
/// and comes more than once. Those beyond a depth and a number are left out. `result` names the value that is
/// the result; without a name it is the first one. `xml` is UTF-8. None: it is no answer of SOAP.
std::optional<nlohmann::json> readAnswer(std::string_view xml, std::string_view result);

}  // namespace smsd::soap
