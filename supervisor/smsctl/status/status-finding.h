// SPDX-License-Identifier: GPL-3.0-or-later
// A finding about smsd as smsctl shows it: one that the daemon reports, or the reason why there is none.
#pragma once

#include <proto/control.capnp.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace smsd::smsctl {

struct StatusFinding {
  enum class Rank { unhealthy, cause, decision, attention, news };  // the worst first
  Rank rank = Rank::unhealthy;
  std::string what;                         // in one line
  std::optional<std::uint64_t> since = {};  // seconds
  std::string next = {};                    // a command for a shell; empty: none
  std::string when = {};                    // when to type `next`; empty: now
};

/// Returns the findings of the daemon, the worst first. Those of an older version have no next command.
std::vector<StatusFinding> shownFindings(proto::Status::Reader status);
/// Returns those of the daemon and `more` of smsctl itself, the worst first.
std::vector<StatusFinding> allFindings(proto::Status::Reader status, std::vector<StatusFinding> more);

std::string nameOf(StatusFinding::Rank rank);

/// Returns `command` with `option` after each word smsctl, so that it works for another smsd than that of
/// /etc/smsd. `option` is empty, or " --config FILE". A check that only the user of smsd can make is made as
/// `user`, if that is not empty: the database may know no role of root's, and root may read what smsd may
/// not.
std::string typed(const std::string& command, const std::string& option, const std::string& user = {});

}  // namespace smsd::smsctl
