// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/config-keys/key-text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "common/config/keys-json.h"

namespace smsd::smsctl {
namespace {

using config::KeyHelp;

std::string typeAndDefault(const KeyHelp& key) {
  if (key.required) return key.type + ", required";
  return key.defaultValue.empty() ? key.type : key.type + ", default " + key.defaultValue;
}

std::string fileText(const KeyFile& file) {
  if (file.isMain() || file.isGroups()) return file.name();
  return fmt::format("{}, the file of a dispatcher of kind {}", file.name(), file.kind);
}

std::string placeText(const KeyHelp& key) {
  const std::size_t dot = key.key.rfind('.');
  if (dot == std::string::npos) return "at the top level";
  const std::string section = key.key.substr(0, dot);
  if (!section.ends_with("[]")) return fmt::format("in the section `{}`", section);
  return fmt::format("in each entry of `{}`", section.substr(0, section.size() - 2));
}

std::string appliedText(const KeyFile& file, const KeyHelp& key) {
  switch (appliedBy(file, key)) {
    case Applied::reload:
      return "a reload applies a changed value (`smsctl reload`)";
    case Applied::restart:
      return "only a restart of smsd applies a changed value; a reload is refused";
    case Applied::worker:
      break;
  }
  return "a reload replaces the worker if smsd starts it (`activation: spawn`); if systemd does, "
         "`smsctl dispatcher restart NAME` applies it";
}

const char* appliedWord(Applied applied) {
  switch (applied) {
    case Applied::reload:
      return "reload";
    case Applied::restart:
      return "restart";
    case Applied::worker:
      break;
  }
  return "worker";
}

/// Breaks a text into lines of at most 78 columns, each with the indent.
std::string wrapped(const std::string& indent, const std::string& text) {
  constexpr std::size_t width = 78;
  std::string lines, line = indent;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (line.size() > indent.size() && line.size() + 1 + word.size() > width) {
      lines += line + "\n";
      line = indent;
    }
    line += (line.size() > indent.size() ? " " : "") + word;
    at = end + 1;
  }
  return lines + line + "\n";
}

std::string field(const std::string& name, const std::string& text) {
  std::string lines = wrapped(std::string(12, ' '), text);
  lines.replace(2, name.size(), name);
  return lines;
}

}  // namespace

std::string explained(const FoundKey& found) {
  const auto& [file, key] = found;
  std::string text = key->key + "\n" + wrapped("  ", key->help);
  text += field("type", key->type);
  if (!key->form.formerWords.empty())
    text +=
        field("", fmt::format("also read, as in older versions: {}", fmt::join(key->form.formerWords, ", ")));
  text += field("default", key->required               ? "none, the key is required"
                           : key->defaultValue.empty() ? "none"
                                                       : key->defaultValue);
  text += field("file", fileText(*file));
  text += field("place", placeText(*key));
  text += field("change", appliedText(*file, *key));
  std::string example = exampleText(*file, *key), name = "example";
  for (std::size_t at = 0, end; at < example.size(); at = end + 1, name.clear()) {
    end = std::min(example.find('\n', at), example.size());
    text += fmt::format("  {:<9} {}\n", name, example.substr(at, end - at));
  }
  return text;
}

std::string listed(const std::vector<FoundKey>& keys) {
  std::size_t width = 0;
  for (const auto& found : keys) width = std::max(width, found.key->key.size());
  std::string text;
  const KeyFile* file = nullptr;
  for (const auto& found : keys) {
    if (found.file != file) text += (text.empty() ? "" : "\n") + fileText(*found.file) + "\n";
    file = found.file;
    text += fmt::format("  {:<{}}  {}\n", found.key->key, width, typeAndDefault(*found.key));
  }
  return text;
}

nlohmann::ordered_json explainedJson(const std::vector<FoundKey>& keys) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& [file, key] : keys) {
    nlohmann::ordered_json one{{"file", file->name()}, {"kind", nullptr}};
    if (!file->isMain()) one["kind"] = file->kind;
    one.update(config::asJson(*key));
    one["place"] = placeText(*key);
    one["applied_by"] = appliedWord(appliedBy(*file, *key));
    one["example"] = exampleText(*file, *key);
    list.push_back(std::move(one));
  }
  return list;
}

}  // namespace smsd::smsctl
