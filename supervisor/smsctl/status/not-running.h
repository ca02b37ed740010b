// SPDX-License-Identifier: GPL-3.0-or-later
// Why no smsd answers: what would keep it from starting now.
//
// Owns the order of the checks: the configuration, the dispatchers' files, the state directory, the queue.
// Called by `smsctl status`. Looks with the rights of the user that smsd runs as, if root calls, because root
// may read what smsd may not. Changes nothing. Fails by returning a finding.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "supervisor/config/config.h"
#include "supervisor/smsctl/status/status-finding.h"

namespace smsd::smsctl {

/// `file`: smsd.yaml, which `read` is the reading of. Returns what to do next even if nothing is wrong.
std::vector<StatusFinding> whyNotRunning(const std::filesystem::path& file, const config::ConfigRead& read);

}  // namespace smsd::smsctl
