// SPDX-License-Identifier: GPL-3.0-or-later
// Why no smsd answers: what would keep it from starting now, or how it ended.
//
// Owns the order of the checks: the configuration, the dispatchers' files, the state directory, the queue;
// then systemd's view of its unit.
// Called by `smsctl status`. Looks with the rights of the user that smsd runs as, if root calls, because root
// may read what smsd may not. Changes nothing. Fails by returning a finding.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/config/config.h"
#include "supervisor/smsctl/status/status-finding.h"

namespace smsd::smsctl {

/// `file`: smsd.yaml, which `read` is the reading of. Returns what to do next even if nothing is wrong.
std::vector<StatusFinding> whyNotRunning(const std::filesystem::path& file, const config::ConfigRead& read);

/// Returns the user that smsd runs as, to which its state directory belongs; empty: we are that user, or
/// there is none to become.
std::string userOfSmsd(const std::filesystem::path& stateDirectory);

/// Returns only what is wrong with the configuration and the dispatchers' files, for an smsd that runs and
/// would not start again.
std::vector<StatusFinding> whyNotStarting(const std::filesystem::path& file, const config::ConfigRead& read);

/// Returns how smsd ended, from the properties that `systemctl show` prints; none: it did not fail. Pure;
/// public for its test.
std::optional<StatusFinding> findingOfUnit(const std::string& shown);

}  // namespace smsd::smsctl
