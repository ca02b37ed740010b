// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/round-end.h"

#include <algorithm>

#include "supervisor/delivery/backoff.h"

namespace smsd::road {
namespace {

Milliseconds waitAfter(const RoundFacts& round, const RetryRules& rules, int rounds) {
  const Milliseconds asked = std::min(round.asked, rules.maxDelay);
  // No dispatcher works: retry as soon as the first works again.
  if (!round.blamed && !round.maybeSent && !round.anyUsable) return asked;
  const bool grows = round.blamed && !round.blocksMoreSevere;  // one that blocks is retried soon
  return std::max(delivery::Backoff{rules.delay, rules.factor, rules.maxDelay}.after(grows ? rounds : 1),
                  asked);
}

}  // namespace

RoundEnd endOf(const RoundFacts& round, const RetryRules& rules) {
  RoundEnd end;
  end.counts = round.blamed || rules.atLimit == config::AtLimit::shutdown;
  end.rounds = round.rounds + (end.counts ? 1 : 0);
  if (rules.giveUpAfter)
    end.givenUpIn = std::max(*rules.giveUpAfter - round.failingFor.value_or(0ms), Milliseconds(0));
  end.wait = waitAfter(round, rules, end.rounds);
  const bool ignores = rules.atLimit == config::AtLimit::ignore;
  const bool usedUp = rules.limit > 0 && end.rounds >= rules.limit;
  end.usedUp = usedUp && ignores;
  if (!end.counts || !usedUp) return end;
  if (!ignores)
    end.then = RoundEnd::Then::endsDaemon;
  else if (end.givenUpIn == Milliseconds(0))
    end.then = RoundEnd::Then::isIgnored;
  return end;
}

}  // namespace smsd::road
