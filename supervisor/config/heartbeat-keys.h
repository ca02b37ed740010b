// SPDX-License-Identifier: GPL-3.0-or-later
// The keys of one expected heartbeat in smsd.yaml, and what holds between heartbeats. Called by config.cpp.
// Pure.
#pragma once

#include <vector>

#include "common/config/keys.h"
#include "supervisor/config/config.h"

namespace smsd::config {

void declareHeartbeat(Keys& keys, HeartbeatConfig& heartbeat);
/// Finds equal names, and numbers that would make one message a heartbeat of two, or an alert a heartbeat.
std::vector<Problem> checkHeartbeats(const Keys& keys, const Config& config);

}  // namespace smsd::config
