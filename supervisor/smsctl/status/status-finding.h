// SPDX-License-Identifier: GPL-3.0-or-later
// The findings that smsctl shows: those of the daemon, and its own.
#pragma once

#include <string>
#include <vector>

#include "common/status-words/status-finding.h"

namespace smsd::smsctl {

using status_words::StatusFinding;

/// Returns those of the daemon and `more` of smsctl itself, the worst first.
std::vector<StatusFinding> allFindings(proto::Status::Reader status, std::vector<StatusFinding> more);

/// Returns `command` with `option` after each word smsctl, so that it works for another smsd than that of
/// /etc/smsd. `option` is empty, or " --config FILE". A check that only the user of smsd can make is made as
/// `user`, if that is not empty: the database may know no role of root's, and root may read what smsd may
/// not.
std::string typed(const std::string& command, const std::string& option, const std::string& user = {});

}  // namespace smsd::smsctl
