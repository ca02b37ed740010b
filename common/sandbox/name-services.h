// SPDX-License-Identifier: GPL-3.0-or-later
// Loads glibc's modules for name lookups before they are needed.
//
// Owns the reading of nsswitch.conf(5). Called by lockIn() alone. A module that is not installed is skipped:
// glibc uses the next one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace smsd::sandbox {

/// Returns the services of the line `hosts:` of an nsswitch.conf, in order, each once.
std::vector<std::string> hostServices(std::string_view nsswitch);

/// Loads the module of each service of /etc/nsswitch.conf, so that glibc finds it loaded at the first lookup.
void loadNameServices();

}  // namespace smsd::sandbox
