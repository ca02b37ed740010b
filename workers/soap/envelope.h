// SPDX-License-Identifier: GPL-3.0-or-later
// Writes the envelope of a call (SOAP 1.1, RPC/encoded) and reads an answer (SOAP 1.1 or 1.2).
//
// Pure: no I/O, no KJ. Called by soap.cpp. An answer is untrusted. The caller bounds its length, and the
// parser knows no entities but XML's own five, opens no file and uses no network. An answer with a document
// type is not SOAP (SOAP 1.1, section 3).
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smsd::soap {

struct Parameter {
  std::string name;
  std::string type = "string";  // a type of XML Schema
  std::string value;            // with placeholders
};

/// Returns the envelope of a call as an XML template. Values are escaped as text; their placeholders stay.
std::string envelopeOf(std::string_view method, std::string_view nameSpace,
                       const std::vector<Parameter>& parameters);

/// Whether `name` is a valid XML name without a prefix. Accepts ASCII only.
bool isName(std::string_view name);

/// Reads an answer: {"result": ..., "values": {name: ...}} or {"fault": {"code": ..., "text": ...}}. A value
/// is a text, null, a map of its parts by name, or a list. A SOAP array becomes a list, and so do several
/// values with the same name. At most 256 values are read, at most 8 levels deep; the rest is left out.
/// `result` names the value that becomes "result"; when it is empty, the first value does. `xml` is UTF-8.
/// Returns nothing when `xml` is not a SOAP answer, or holds two that may contradict each other.
std::optional<nlohmann::json> readAnswer(std::string_view xml, std::string_view result);

}  // namespace smsd::soap
