// SPDX-License-Identifier: GPL-3.0-or-later
// The end of a round in which no dispatcher accepted an SMS: does it wait, how long, and is it given up?
// Pure: the road passes all that this depends on.
//
// The recipient waits, longer each time; after the last round `at_limit` decides. With `ignore` the SMS must
// also have failed for `give_up_after`, because greylisting outlasts any number of short rounds. A round
// counts only if a failure in it counts against the recipient; with `shutdown` every round counts.
#pragma once

#include <optional>

#include "supervisor/config/config.h"

namespace smsd::road {

using RetryRules = decltype(config::Config::retry);

/// The facts about the SMS at the end of the round.
struct RoundFacts {
  int rounds = 0;                            // counted before this one
  bool blamed = false;                       // a failure in this round counts against its recipient
  bool maybeSent = false;                    // an earlier attempt may have sent it
  bool blocksMoreSevere = false;             // a more severe message waits for its end
  std::optional<Milliseconds> failingFor{};  // since the first failure that counted; none: none did
  Milliseconds asked{0};                     // the wait that the last outcome demands
  bool anyUsable = true;                     // a dispatcher can be used now
};

struct RoundEnd {
  enum class Then {
    waits,
    isIgnored,   // given up
    endsDaemon,  // retry.at_limit: shutdown; the SMS waits
  };
  Then then = Then::waits;
  bool counts = false;
  int rounds = 0;                         // counted, with this one
  bool usedUp = false;                    // it is tried on although its rounds are used up
  std::optional<Milliseconds> givenUpIn;  // how much longer it is tried then; none: without end
  Milliseconds wait{0};                   // until the next round
  bool operator==(const RoundEnd&) const = default;
};

RoundEnd endOf(const RoundFacts& round, const RetryRules& rules);

}  // namespace smsd::road
