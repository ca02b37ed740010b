// The modules that glibc looks names up with, loaded before they are needed.
//
// Owns which ones nsswitch.conf(5) names. Called by lockIn() alone. A module that is not installed stays so:
// glibc asks the next one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace smsd::sandbox {

/// The services of the line `hosts:` of an nsswitch.conf, in order, each once.
std::vector<std::string> hostServices(std::string_view nsswitch);

/// Loads the module of each service of /etc/nsswitch.conf. glibc finds it loaded at the first lookup.
void loadNameServices();

}  // namespace smsd::sandbox
