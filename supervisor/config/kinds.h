// SPDX-License-Identifier: GPL-3.0-or-later
// The kinds of dispatchers that smsd knows, and the largest window and backlog of a worker of each.
//
// Owns their names and bounds, which are those of the workers' own keys. Called by config.cpp, which lists
// the names, and by the keeper, which enforces the bounds. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace smsd::config {

struct Kind {
  std::string name;
  unsigned window = 1;   // SMS worked on at once, at most
  unsigned backlog = 0;  // SMS taken ahead of the window, at most
};

const std::vector<Kind>& builtInKinds();

/// Returns the kind of that name. An unknown kind may have one SMS at a time.
Kind kindNamed(std::string_view name);

}  // namespace smsd::config
