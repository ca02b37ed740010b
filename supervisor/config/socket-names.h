// SPDX-License-Identifier: GPL-3.0-or-later
// Checks the paths where smsd and its workers listen: control.socket differs from its workers' sockets, and
// no other file is there.
//
// Owns the rules about the paths of sockets in smsd.yaml. Called by config.cpp. Looks at the file system
// once, for the present file at control.socket; changes nothing. Fails by returning problems.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/keys.h"
#include "supervisor/config/config.h"

namespace smsd::config {

/// Returns why a dispatcher may not have this name: its default socket, /run/smsd/<name>.sock, would be one
/// of smsd's own sockets. Returns none for any other name.
std::optional<std::string> problemOfReservedName(std::string_view name);

/// Called after the paths were made absolute.
std::vector<config::Problem> checkSockets(const config::Keys& keys, const Config& config);

}  // namespace smsd::config
