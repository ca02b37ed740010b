// SPDX-License-Identifier: GPL-3.0-or-later
// Turns the capacity that a worker claims into the bounds that the supervisor keeps for it.
//
// Owns the bounds on SMS in flight with one worker: how many, and how long one of them may wait to be begun.
// Called by Worker with the worker's description. Pure: no clock, no promise. Returns an error text for a
// claim that no worker of that kind makes.
#pragma once

#include <string>
#include <variant>

#include "supervisor/config/config.h"
#include "supervisor/config/kinds.h"

namespace smsd::keeper {

struct Claim {
  std::string kind;
  unsigned window = 1;
  unsigned backlog = 0;
  Milliseconds spacing{0};  // least time from the begin of one SMS to that of the next
};

struct Granted {
  unsigned window = 1;
  unsigned backlog = 0;
  // A worker that works has begun each SMS within this time from its hand-over, even if every SMS before it
  // took until its deadline.
  Milliseconds beginWithin{0};
};

/// `timeout`: the hard deadline of one attempt. Returns a string, the reason, if the claim breaks the
/// contract.
std::variant<Granted, std::string> grant(const Claim& claim, const config::Kind& kind, Milliseconds timeout);

}  // namespace smsd::keeper
