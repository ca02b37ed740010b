// What a worker says it can take, and what it is given.
//
// Owns the bounds on SMS that are out with one worker: how many, and for how long one of them may not have
// begun. Called by Worker with what describe() said. Pure: no clock, no promise. A claim that no worker of
// that kind makes is returned as words.
#pragma once

#include <string>
#include <variant>

#include "supervisor/config.h"
#include "supervisor/kinds.h"

namespace smsd::keeper {

struct Claim {
  std::string kind;
  unsigned window = 1;
  unsigned backlog = 0;
  Milliseconds spacing{0};  // from one SMS begun to the next at least
};

struct Granted {
  unsigned window = 1;
  unsigned backlog = 0;
  // Within this from the hand-over a worker that works has begun an SMS, even where every SMS before it took
  // until its deadline.
  Milliseconds beginWithin{0};
};

/// `timeout`: the hard deadline of one attempt. Words: the claim breaks the contract.
std::variant<Granted, std::string> grant(const Claim& claim, const Kind& kind, Milliseconds timeout);

}  // namespace smsd::keeper
