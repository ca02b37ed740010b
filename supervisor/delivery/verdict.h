// SPDX-License-Identifier: GPL-3.0-or-later
// "The message's fault or the dispatcher's?" One pure table: it gives the fate of an SMS from an outcome and
// the situation of the SMS.
//
// Called by the road for every outcome. It names the fate; it does not choose a dispatcher, compute a delay
// or touch the queue.
#pragma once

#include <cstddef>

#include "supervisor/delivery/outcome.h"

namespace smsd::delivery {

enum class Verdict {
  sent,             // settle: Y
  ignored,          // settle: I, with the reason
  otherDispatcher,  // at once, to the next one in order that has not been tried in this round
  sameDispatcher,   // at once, to the same one again
  held,             // settle: it stays N, and waits for an operator
  nextRound,        // no dispatcher took it: wait, then try all of them again
};

/// How far an SMS has come in this round.
struct Situation {
  Begun begun = Begun::yes;
  int givenBack = 0;             // times it came back untouched, this time included
  bool othersLeft = false;       // a usable dispatcher has not been tried in this round
  bool everyoneRefused = false;  // this outcome is a refusal, and so was every other configured dispatcher's
  bool sameKnowsKeys = false;    // the dispatcher's gateway drops a second request with the same key
  bool holds = false;            // the policy for its severity: do not send again what may have been sent
  int notUnderstood = 0;         // earlier attempts that were answered, but not understood
  bool understandsNothing = false;  // this dispatcher has understood no answer recently
  int unknownsHere = 1;  // how often the outcome was unknown here in this round, this time included
};

/// How often an SMS may come back untouched before the dispatcher counts as tried.
constexpr int mostGivenBack = 3;

/// How often one dispatcher repeats an SMS in one round while its outcomes stay unknown.
constexpr int repeatsPerRound = 2;

Verdict verdict(const Outcome& outcome, const Situation& situation);

}  // namespace smsd::delivery
