// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/shapes/json.h"

#include <charconv>

#include "clients/shapes/query.h"

namespace smsd::shapes {
namespace {

std::optional<std::string> scalar(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_unsigned()) return std::to_string(value.get<std::uint64_t>());
  if (value.is_number_integer()) return std::to_string(value.get<std::int64_t>());
  return std::nullopt;
}

const nlohmann::json* memberOf(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

}  // namespace

bool isWithin(std::string_view json, std::size_t depth, std::size_t values) {
  std::size_t open = 0, seen = 1;
  bool quoted = false;
  for (std::size_t at = 0; at < json.size(); ++at) {
    const char c = json[at];
    if (quoted) {
      if (c == '\\')
        ++at;
      else if (c == '"')
        quoted = false;
      continue;
    }
    if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++open > depth || ++seen > values) return false;
    } else if (c == ']' || c == '}') {
      if (open > 0) --open;
    } else if (c == ',') {
      if (++seen > values) return false;
    }
  }
  return true;
}

std::optional<nlohmann::json> readJson(std::string_view text) {
  if (!isWithin(text, maxJsonDepth, maxJsonValues)) return std::nullopt;
  auto document = nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
  if (document.is_discarded()) return std::nullopt;
  return document;
}

std::optional<std::string> textIn(const nlohmann::json& object, const char* name, bool& wrong) {
  const nlohmann::json* member = memberOf(object, name);
  if (member == nullptr) return std::nullopt;
  auto text = scalar(*member);
  if (!text) wrong = true;
  return text;
}

std::vector<std::string> textsIn(const nlohmann::json& object, const char* name, bool& wrong) {
  const nlohmann::json* member = memberOf(object, name);
  if (member == nullptr) return {};
  if (!member->is_array()) {
    const auto text = textIn(object, name, wrong);
    return text ? partsOf(*text, ",;") : std::vector<std::string>();
  }
  std::vector<std::string> texts;
  for (const auto& entry : *member) {
    auto text = scalar(entry);
    if (!text || text->empty())
      wrong = true;
    else
      texts.push_back(std::move(*text));
  }
  return texts;
}

std::optional<std::int64_t> integerIn(const nlohmann::json& object, const char* name, bool& wrong) {
  const auto text = textIn(object, name, wrong);
  if (!text) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error == std::errc() && end == text->data() + text->size()) return number;
  wrong = true;
  return std::nullopt;
}

std::string written(const nlohmann::ordered_json& document) {
  return document.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace smsd::shapes
