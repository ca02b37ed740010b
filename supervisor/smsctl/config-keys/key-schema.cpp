// SPDX-License-Identifier: GPL-3.0-or-later
// A text is a string for the reader, but 200 is a number for YAML. So a schema allows each type that the
// reader takes as the text that was written.
#include "supervisor/smsctl/config-keys/key-schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <chrono>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "supervisor/config/kinds.h"

namespace smsd::smsctl {
namespace {

using config::KeyForm;
using config::KeyHelp;
using Json = nlohmann::ordered_json;

std::int64_t whole(double bound) { return static_cast<std::int64_t>(bound); }

/// Returns the number that YAML sees in an unquoted word.
std::optional<Json> numberIn(const std::string& word) {
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  if (word.find('.') == std::string::npos) return Json(whole(value));
  return Json(value);
}

Json choiceSchema(const KeyForm& form) {
  Json words = Json::array();
  for (const auto& word : form.words) {
    words.push_back(word);
    if (const auto number = numberIn(word)) words.push_back(*number);
  }
  for (const auto& word : form.formerWords)
    words.push_back(word == "true" || word == "false" ? Json(word == "true") : Json(word));
  return {{"enum", words}};
}

Json durationSchema(const KeyForm& form) {
  constexpr std::pair<const char*, std::chrono::milliseconds> units[] = {{"ms", std::chrono::milliseconds(1)},
                                                                         {"s", std::chrono::seconds(1)},
                                                                         {"m", std::chrono::minutes(1)},
                                                                         {"h", std::chrono::hours(1)},
                                                                         {"d", std::chrono::days(1)}};
  const std::int64_t least = whole(form.least), most = whole(form.most);
  std::vector<std::string> forms = form.words;
  for (const auto& [name, length] : units) {
    const std::int64_t unit = length.count(), first = (least + unit - 1) / unit, last = most / unit;
    if (first <= last) forms.push_back(fmt::format("({}){}", numbersBetween(first, last), name));
  }
  Json schema{{"type", "string"}};
  if (least == 0) {
    forms.emplace_back("0+");
    schema = {{"type", {"string", "integer"}}, {"minimum", 0}, {"maximum", 0}};
  }
  schema["pattern"] = fmt::format("^({})$", fmt::join(forms, "|"));
  return schema;
}

Json textSchema(std::size_t least) {
  Json schema{{"type", {"string", "number", "boolean"}}};
  if (least > 0) schema["minLength"] = least;
  return schema;
}

Json bounded(const char* type, double least, double most) {
  if (std::string_view(type) == "integer")
    return {{"type", type}, {"minimum", whole(least)}, {"maximum", whole(most)}};
  return {{"type", type}, {"minimum", least}, {"maximum", most}};
}

Json valueSchema(const KeyHelp& key) {
  using Type = KeyForm::Type;
  const KeyForm& form = key.form;
  switch (form.type) {
    case Type::text:
      return textSchema(key.required ? 1 : 0);
    case Type::integer:
      return bounded("integer", form.least, form.most);
    case Type::number:
      return bounded("number", form.least, form.most);
    case Type::flag:
      return {{"type", "boolean"}};
    case Type::duration:
      return durationSchema(form);
    case Type::choice:
      return choiceSchema(form);
    case Type::path:
    case Type::secretFile:
      return textSchema(1);
    case Type::list:
      break;  // the keys of its elements follow
    case Type::texts:
      return {{"type", "array"}, {"items", textSchema(0)}};
    case Type::integers:
      return {{"type", "array"}, {"items", bounded("integer", form.least, form.most)}};
  }
  return {{"type", "array"}};
}

/// What a rule demands of a value of smsd.yaml beyond its type.
struct Shape {
  const char* key;
  Json schema;
};

Json partOfLock(const std::string& expression) {
  return {{"items", {{"type", {"string", "integer", "boolean"}}, {"pattern", "^(" + expression + ")$"}}},
          {"maxItems", 16}};
}

const std::vector<Shape>& shapes() {
  // A name of digits is a number for YAML.
  const Json name{
      {"type", {"string", "integer", "boolean"}}, {"pattern", "^[a-z0-9][a-z0-9-]{0,30}$"}, {"minimum", 0}};
  const Json lock = partOfLock("[a-z0-9_]+(:0*([1-9][0-9]{0,2}|1000))?");
  static const std::vector<Shape> all = {{"dispatchers", {{"minItems", 1}}},
                                         {"dispatchers[].name", name},
                                         {"dispatchers[].require_lock", lock},
                                         {"admin_mail.dispatcher", name},
                                         {"admin_mail.require_lock", lock}};
  return all;
}

/// The parts of the lock of smsd's own kinds are known.
Json locksOfBuiltIns() {
  Json lock = partOfLock("no_new_privs|landlock(:0*([1-9][0-9]{0,2}|1000))?|seccomp|rlimits");
  lock["items"]["type"] = "string";
  Json kinds = Json::array();
  for (const auto& kind : config::builtInKinds()) kinds.push_back(kind.name);
  return {{"if", {{"properties", {{"kind", {{"enum", kinds}}}}}, {"required", Json::array({"kind"})}}},
          {"then", {{"properties", {{"require_lock", lock}}}}}};
}

std::optional<Json> defaultOf(const KeyHelp& key) {
  using Type = KeyForm::Type;
  if (key.required || key.defaultValue.empty()) return std::nullopt;
  if (key.form.type == Type::flag) return Json(key.defaultValue == "true");
  if (key.form.type == Type::integer || key.form.type == Type::number) return numberIn(key.defaultValue);
  return Json(key.defaultValue);
}

/// Writes the schema of each key of `keys` with this prefix: of a file, of a section, of an element of a
/// list.
class Section {
 public:
  explicit Section(const KeyFile& file) : keys_(file.keys), isMain_(file.isMain()) {}

  /// `required` is set if the section may not be left out.
  Json schema(const std::string& prefix, bool& required) const {
    Json properties = Json::object(), names = Json::array();
    std::set<std::string> seen;
    for (const KeyHelp& key : keys_) {
      if (!key.key.starts_with(prefix)) continue;
      const std::string rest = key.key.substr(prefix.size());
      const std::string name = rest.substr(0, rest.find_first_of(".["));
      if (!seen.insert(name).second) continue;
      bool isRequired = key.required;
      properties[name] = name == rest ? leaf(key) : schema(prefix + name + ".", isRequired);
      if (isRequired) names.push_back(name);
    }
    required = !names.empty();
    Json made{{"type", required ? Json("object") : Json({"object", "null"})}, {"properties", properties}};
    if (required) made["required"] = names;
    made["additionalProperties"] = false;
    return made;
  }

 private:
  Json leaf(const KeyHelp& key) const {
    Json made{{"description", key.help + " (" + key.type + ")"}};
    made.update(valueSchema(key));
    if (key.form.type == KeyForm::Type::list) {
      bool ignored = false;
      made["items"] = schema(key.key + "[].", ignored);
      made["items"]["type"] = "object";
      if (key.key == "dispatchers") made["items"].update(locksOfBuiltIns());
    }
    for (const auto& shape : shapes())
      if (isMain_ && key.key == shape.key) made.update(shape.schema);
    if (key.form.type == KeyForm::Type::duration) made["patternErrorMessage"] = "expected a " + key.type;
    if (const auto value = defaultOf(key)) made["default"] = *value;
    return made;
  }

  const std::vector<KeyHelp>& keys_;
  bool isMain_;
};

/// Returns the expression for the numbers from `a` to `b`, which differ so that each digit is independent of
/// the others: 300 to 799.
std::string digitsFrom(const std::string& a, const std::string& b) {
  std::string expression;
  for (std::size_t i = 0; i < a.size(); ++i)
    expression += a[i] == b[i] ? std::string(1, a[i]) : fmt::format("[{}-{}]", a[i], b[i]);
  return expression;
}

}  // namespace

Json schemaOf(const KeyFile& file) {
  bool ignored = false;
  Json schema{{"$schema", "http://json-schema.org/draft-07/schema#"},
              {"title", file.isMain() || file.isGroups() ? file.name()
                                                         : "the file of a dispatcher of kind " + file.kind}};
  schema.update(Section(file).schema("", ignored));
  return schema;
}

std::string numbersBetween(std::int64_t least, std::int64_t most) {
  // The last number of each range: first those where ever more digits at the end become 9, then those where
  // they become 0 in the number after it.
  std::set<std::int64_t> ends = {most};
  for (std::int64_t ten = 10; ten <= most; ten *= 10)
    if (const std::int64_t end = least - least % ten + ten - 1; end < most) ends.insert(end);
  for (std::int64_t ten = 10; ten <= most; ten *= 10)
    if (const std::int64_t end = (most + 1) - (most + 1) % ten - 1; end > least) ends.insert(end);
  std::vector<std::string> ranges;
  for (const std::int64_t end : ends) {
    ranges.push_back(digitsFrom(std::to_string(least), std::to_string(end)));
    least = end + 1;
  }
  return fmt::format("0*({})", fmt::join(ranges, "|"));
}

}  // namespace smsd::smsctl
