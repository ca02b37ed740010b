// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/config/keys-json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

#include "common/text/utf.h"

namespace smsd::config {
namespace {

using Json = nlohmann::ordered_json;
using Type = KeyForm::Type;

constexpr std::array<std::pair<Type, const char*>, 11> names = {{{Type::text, "text"},
                                                                 {Type::integer, "integer"},
                                                                 {Type::number, "number"},
                                                                 {Type::flag, "flag"},
                                                                 {Type::duration, "duration"},
                                                                 {Type::choice, "choice"},
                                                                 {Type::path, "path"},
                                                                 {Type::secretFile, "secret_file"},
                                                                 {Type::list, "list"},
                                                                 {Type::texts, "texts"},
                                                                 {Type::integers, "integers"}}};

Json asJson(double bound) {
  if (bound == std::floor(bound)) return static_cast<std::int64_t>(bound);
  return bound;
}

Json asJson(const KeyForm& form) {
  const auto* name =
      std::find_if(names.begin(), names.end(), [&](auto& one) { return one.first == form.type; });
  Json json{{"type", name->second}};
  if (form.most > 0) json["least"] = asJson(form.least), json["most"] = asJson(form.most);
  if (!form.words.empty()) json["words"] = form.words;
  if (!form.formerWords.empty()) json["former_words"] = form.formerWords;
  return json;
}

/// Texts of another program: one line, without characters that act on a terminal.
std::string text(const Json& json, const char* field) {
  constexpr std::size_t most = 2000;
  const auto found = json.find(field);
  if (found == json.end() || !found->is_string()) return {};
  return text::printable(found->get_ref<const std::string&>(), most);
}

std::vector<std::string> texts(const Json& json, const char* field) {
  std::vector<std::string> all;
  if (const auto found = json.find(field); found != json.end() && found->is_array())
    for (const Json& one : *found)
      if (one.is_string()) all.push_back(text::printable(one.get_ref<const std::string&>(), 100));
  return all;
}

/// A duration's bound is in milliseconds: within 10,000 years, so that it fits any type of time.
double number(const Json& json, const char* field) {
  const auto found = json.find(field);
  if (found == json.end() || !found->is_number()) return 0;
  return std::clamp(found->get<double>(), -3.2e14, 3.2e14);
}

std::optional<KeyForm> formFromJson(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  const std::string type = text(json, "type");
  const auto* name = std::find_if(names.begin(), names.end(), [&](auto& one) { return one.second == type; });
  if (name == names.end()) return std::nullopt;
  return KeyForm{name->first, number(json, "least"), number(json, "most"), texts(json, "words"),
                 texts(json, "former_words")};
}

bool isKey(const std::string& key) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.[]";
  return !key.empty() && key.size() <= 100 && key.find_first_not_of(allowed) == std::string::npos;
}

std::optional<KeyHelp> keyFromJson(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  KeyHelp key{text(json, "key"), text(json, "type"), text(json, "default"), false, text(json, "help")};
  const auto form = json.find("form"), required = json.find("required");
  const auto read = form == json.end() ? std::nullopt : formFromJson(*form);
  if (!read || !isKey(key.key)) return std::nullopt;
  key.required = required != json.end() && required->is_boolean() && required->get<bool>();
  key.form = *read;
  key.example = text(json, "example");
  return key;
}

}  // namespace

Json asJson(const KeyHelp& key) {
  return {{"key", key.key},           {"type", key.type}, {"default", key.defaultValue},
          {"required", key.required}, {"help", key.help}, {"form", asJson(key.form)},
          {"example", key.example}};
}

std::optional<std::vector<KeyHelp>> keysFromJson(std::string_view text, std::size_t most) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_array() || json.size() > most) return std::nullopt;
  std::vector<KeyHelp> keys;
  for (const Json& one : json) {
    auto key = keyFromJson(one);
    if (!key) return std::nullopt;
    keys.push_back(*std::move(key));
  }
  return keys;
}

}  // namespace smsd::config
