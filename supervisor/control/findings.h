// SPDX-License-Identifier: GPL-3.0-or-later
// The findings about smsd: what is wrong, how bad it is, since when, and the command to type next.
//
// Owns the rules that make findings of a picture of the daemon (picture.h), and their order. Called for
// `smsctl status` and for the line of `systemctl status`, so that both show the same. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/control/picture.h"

namespace smsd::control {

/// How bad a finding is, the worst first.
enum class Rank {
  unhealthy,  // smsd does not do its work, or will soon not do it
  cause,      // a reason why it is unhealthy
  decision,   // messages that nobody got: an operator has to decide, or to send them again
  attention,  // a part does not work, and smsd works without it
  news,       // it is over, or can wait
};

struct Finding {
  Rank rank = Rank::attention;
  std::string what;                                // in one line, what is wrong
  std::optional<std::chrono::seconds> since = {};  // how long it has lasted; none: not known
  std::string next = {};                           // a command for a shell; empty: none
  std::string when = {};                           // when to type `next`; empty: now
};

/// Returns the findings, the worst first.
std::vector<Finding> findingsOf(const Picture& picture);

/// Returns whether the daemon does its work: no finding is `unhealthy`.
bool isHealthy(const std::vector<Finding>& findings);

/// Returns the line for `systemctl status`: whether smsd is healthy, its dispatchers, its work and the worst
/// findings, in at most about 800 bytes. Contains no times, so that it changes only when something happens.
std::string lineOf(const Picture& picture);

}  // namespace smsd::control
