// Where smsd listens and where its workers do: no two of them at one path, and none where something else is.
//
// Owns the rules about the paths of sockets in smsd.yaml. Called by config.cpp. Looks at the file system
// once, for what is at control.socket now; changes nothing. Fails by returning problems.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/keys.h"
#include "supervisor/config.h"

namespace smsd {

/// Why a dispatcher may not have this name, where its default socket, /run/smsd/<name>.sock, would be one of
/// smsd's own sockets. None for any other name.
std::optional<std::string> problemOfReservedName(std::string_view name);

/// After the paths were made absolute.
std::vector<config::Problem> checkSockets(const config::Keys& keys, const Config& config);

}  // namespace smsd
