// SPDX-License-Identifier: GPL-3.0-or-later
// The configuration files with their keys, and the search for a key by its name.
//
// Owns how an operator names a key, where a key may stand, and whether a reload applies it. Called by the
// commands `config explain` and `config schema`, and by completion. Pure: the keys come from the declarations
// of smsd.yaml and from the worker programs (worker-keys.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/config/keys.h"

namespace smsd::smsctl {

struct KeyFile {
  /// Of the dispatchers whose file it is; empty: smsd.yaml; `groups`, which no kind can be named:
  /// groups.yaml.
  std::string kind = {};
  std::vector<config::KeyHelp> keys = {};
  std::string problem = {};  // why the keys are not known
  bool installed = true;     // false: the program of a built-in kind is not on this host

  bool isMain() const { return kind.empty(); }
  bool isGroups() const { return kind == groups; }
  static constexpr std::string_view groups = "groups";
  /// "smsd.yaml", "groups.yaml", or "dispatchers/NAME.yaml".
  std::string name() const;
};

/// Returns smsd.yaml with its keys.
KeyFile mainFile();
/// Returns groups.yaml with its keys.
KeyFile groupsFile();

struct FoundKey {
  const KeyFile* file = nullptr;
  const config::KeyHelp* key = nullptr;
};

/// Returns the keys with that name (`retry.delay`, `dispatchers[].kind`, `dispatchers[0].kind`), or whose
/// last parts it is (`delay`); if there are none, the keys of the section of that name (`retry`). The files
/// have to live as long as the result.
std::vector<FoundKey> findKeys(const std::vector<KeyFile>& files, std::string_view name);

/// Returns the names of at most three keys that `name` probably misspells.
std::vector<std::string> nearKeys(const std::vector<KeyFile>& files, std::string_view name);

/// Returns the name of a key without brackets, as it is typed: dispatchers.kind.
std::string typedName(std::string_view key);

/// How a changed value takes effect.
enum class Applied { reload, restart, worker };
Applied appliedBy(const KeyFile& file, const config::KeyHelp& key);

/// Returns a piece of the file with the key and its example.
std::string exampleText(const KeyFile& file, const config::KeyHelp& key);

}  // namespace smsd::smsctl
