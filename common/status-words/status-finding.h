// SPDX-License-Identifier: GPL-3.0-or-later
// A finding about smsd as a program shows it: one that the daemon reports, or the reason why there is none.
//
// Called by smsctl and the exporter, so that both show the same findings in the same words. Pure.
#pragma once

#include <proto/status.capnp.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace smsd::status_words {

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

std::string nameOf(StatusFinding::Rank rank);
/// "for 4m 10s", or "4m 10s ago" if it is over; empty if it is not known.
std::string ageOf(const StatusFinding& finding);

}  // namespace smsd::status_words
