// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/config-keys/key-files.h"

#include <algorithm>
#include <set>

#include "common/config/values.h"
#include "supervisor/config/config-diff.h"
#include "supervisor/config/config.h"

namespace smsd::smsctl {
namespace {

using config::KeyForm;
using config::KeyHelp;

std::string lastPart(const std::string& typed) { return typed.substr(typed.rfind('.') + 1); }

template <typename F>
std::vector<FoundKey> select(const std::vector<KeyFile>& files, F isWanted) {
  std::vector<FoundKey> found;
  for (const KeyFile& file : files)
    for (const KeyHelp& key : file.keys)
      if (isWanted(typedName(key.key))) found.push_back({&file, &key});
  return found;
}

std::vector<std::string> partsOf(const std::string& key) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t dot; (dot = key.find('.', begin)) != std::string::npos; begin = dot + 1)
    parts.push_back(key.substr(begin, dot - begin));
  parts.push_back(key.substr(begin));
  return parts;
}

/// An element of a list of maps: its required keys, or all if it has none.
std::string elementText(const KeyFile& file, const KeyHelp& list) {
  const std::string prefix = list.key + "[].";
  const auto isOwn = [&](const KeyHelp& key) {
    return key.key.starts_with(prefix) && key.form.type != KeyForm::Type::list;
  };
  const bool someRequired = std::any_of(file.keys.begin(), file.keys.end(),
                                        [&](const KeyHelp& key) { return isOwn(key) && key.required; });
  std::string text;
  for (const KeyHelp& key : file.keys)
    if (isOwn(key) && (key.required || !someRequired))
      text += (text.empty() ? "{" : ", ") + key.key.substr(prefix.size()) + ": " + key.example;
  return text.empty() ? "" : text + "}";
}

}  // namespace

std::string KeyFile::name() const {
  return isMain() ? "smsd.yaml" : isGroups() ? "groups.yaml" : "dispatchers/NAME.yaml";
}

KeyFile mainFile() { return {.keys = config::explainConfig()}; }

KeyFile groupsFile() { return {.kind = std::string(KeyFile::groups), .keys = config::explainGroups()}; }

std::string typedName(std::string_view key) {
  std::string name;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const std::size_t end = key[i] == '[' ? key.find_first_not_of("0123456789", i + 1) : std::string::npos;
    if (end != std::string::npos && key[end] == ']')
      i = end;
    else
      name += key[i];
  }
  return name;
}

std::vector<FoundKey> findKeys(const std::vector<KeyFile>& files, std::string_view name) {
  const std::string wanted = typedName(name);
  if (wanted.empty()) return {};
  auto found = select(files, [&](const std::string& key) {
    return key == wanted || (key.size() > wanted.size() && key.ends_with("." + wanted));
  });
  if (found.empty())
    found = select(files, [&](const std::string& key) { return key.starts_with(wanted + "."); });
  return found;
}

std::vector<std::string> nearKeys(const std::vector<KeyFile>& files, std::string_view name) {
  constexpr std::size_t most = 3;
  const std::string wanted = typedName(name);
  std::vector<std::string> near, candidates;
  for (const auto& [file, key] : select(files, [](const std::string&) { return true; })) {
    const std::string typed = typedName(key->key);
    if (std::find(candidates.begin(), candidates.end(), typed) != candidates.end()) continue;
    candidates.push_back(typed);
    // The right name in a wrong section.
    if (near.size() < most && lastPart(typed) == lastPart(wanted)) near.push_back(typed);
  }
  const auto addClosest = [&](const auto& shown, const std::string& word) {
    while (near.size() < most) {
      std::vector<std::string> others;
      for (const auto& one : candidates)
        if (std::find(near.begin(), near.end(), one) == near.end()) others.push_back(shown(one));
      const auto closest = config::closest(word, others);
      if (!closest) return;
      for (const auto& one : candidates)
        if (near.size() < most && shown(one) == *closest &&
            std::find(near.begin(), near.end(), one) == near.end())
          near.push_back(one);
    }
  };
  addClosest([](const std::string& key) { return key; }, wanted);
  if (near.empty()) addClosest(lastPart, lastPart(wanted));
  return near;
}

Applied appliedBy(const KeyFile& file, const KeyHelp& key) {
  if (file.isGroups()) return Applied::reload;
  if (!file.isMain()) return Applied::worker;
  const auto& fixed = config::keysOfARestart();
  return std::find(fixed.begin(), fixed.end(), key.key) == fixed.end() ? Applied::reload : Applied::restart;
}

std::string exampleText(const KeyFile& file, const KeyHelp& key) {
  const std::string value = key.form.type == KeyForm::Type::list ? elementText(file, key) : key.example;
  if (value.empty()) return {};
  std::string text, indent, dash;
  const auto parts = partsOf(key.key);
  for (const std::string& part : parts) {
    const bool isList = part.ends_with("[]");
    text += indent + dash + part.substr(0, part.size() - (isList ? 2 : 0)) + ":";
    if (&part == &parts.back()) break;
    text += "\n";
    indent += dash.empty() ? "  " : "    ";
    dash = isList ? "- " : "";
  }
  if (key.form.type != KeyForm::Type::list) return text + " " + value + "\n";
  return text + "\n" + indent + "  - " + value + "\n";
}

}  // namespace smsd::smsctl
