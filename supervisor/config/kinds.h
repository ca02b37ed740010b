// SPDX-License-Identifier: GPL-3.0-or-later
// The kinds of dispatchers: those that smsd has, and the names and bounds of those that an administrator
// adds.
//
// Owns the names and bounds of the built-in kinds, which are those of the workers' own keys, and the rule for
// the name of any other kind. Called by the declaration of keys, by worker-programs.h, and by the keeper,
// which enforces the bounds. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smsd::config {

struct Kind {
  std::string name;
  unsigned window = 1;   // SMS worked on at once, at most
  unsigned backlog = 0;  // SMS taken ahead of the window, at most
};

/// The bounds of a kind that is not built in. Its window is the key `window` of the dispatcher's entry.
namespace ownKinds {
inline constexpr int defaultWindow = 64, mostWindow = 1024;
inline constexpr unsigned backlog = 4096;    // as much as any built-in kind
inline constexpr std::size_t mostName = 32;  // characters in the name of a kind
}  // namespace ownKinds

const std::vector<Kind>& builtInKinds();
bool isBuiltIn(std::string_view kind);
/// Returns the names that the program of no other kind can have: those of the built-in kinds, and those that
/// smsd keeps for programs of its own.
std::vector<std::string> takenNames();

/// Returns the kind of that name. `window`: the bound of a kind that is not built in, if one is set.
Kind kindNamed(std::string_view name, std::optional<int> window = std::nullopt);

struct DispatcherConfig;
/// Returns the kind of the dispatcher, with the window of its entry.
Kind kindFor(const DispatcherConfig& dispatcher);

/// Returns why no dispatcher can be of this kind, which is either built in or has a program of its own.
std::optional<std::string> problemOfKind(std::string_view name);

/// Returns smsd-worker-<kind>.
std::string programOf(std::string_view kind);

}  // namespace smsd::config
