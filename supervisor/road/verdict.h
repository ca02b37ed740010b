// "The message's fault or the dispatcher's?" One pure table: what an outcome means for an SMS, in the
// situation it is in.
//
// Called by the road for every outcome. It names the fate; it does not choose a dispatcher, compute a delay
// or touch the queue.
#pragma once

#include <cstddef>

#include "supervisor/road/outcome.h"

namespace smsd {

enum class Verdict {
  sent,             // settle: Y
  ignored,          // settle: I, with the reason
  otherDispatcher,  // now, the next one in order that has not been tried in this round
  sameDispatcher,   // now, the same one again
  held,             // settle: it stays N, and waits for an operator
  nextRound,        // nobody took it: wait, then all of them again
};

/// How far an SMS has come in this round.
struct Situation {
  Begun begun = Begun::yes;
  int givenBack = 0;             // times it came back untouched, this time included
  bool othersLeft = false;       // a usable dispatcher has not been tried in this round
  bool everyoneRefused = false;  // this outcome is a refusal, and so was every other configured dispatcher's
  bool sameKnowsKeys = false;    // the dispatcher's gateway drops a second request with the same key
  bool holds = false;            // the policy for its severity: what may have been sent is not sent again
  int notUnderstood = 0;         // attempts before this one that were answered, and not understood
  bool understandsNothing = false;  // this dispatcher has understood no answer of late
  int unknownsHere = 1;  // how often this dispatcher has left it unknown in this round, this time included
};

/// How often an SMS may come back untouched before the dispatcher counts as tried.
constexpr int mostGivenBack = 3;

/// How often an SMS is repeated through one dispatcher in one round when that one keeps not knowing.
constexpr int repeatsPerRound = 2;

Verdict verdict(const Outcome& outcome, const Situation& situation);

}  // namespace smsd
