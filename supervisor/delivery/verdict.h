// SPDX-License-Identifier: GPL-3.0-or-later
// "The message's fault or the dispatcher's?" One pure table: from an outcome and the situation of the SMS it
// derives the verdict, the next step for this SMS. smsd-dispatchers(7) prints the table under VERDICTS.
//
// Called by the road for every outcome of an attempt. The table does not choose a dispatcher, compute a
// delay, count rounds or touch the queue: the road does all of this.
#pragma once

#include <cstddef>

#include "supervisor/delivery/outcome.h"

namespace smsd::delivery {

/// The letters are the new values of smsq.sent (queue::SentStatus).
enum class Verdict {
  sent,             // settle the SMS as sent: Y
  ignored,          // settle it as ignored, with the reason: I
  otherDispatcher,  // at once, to the first usable dispatcher that was not tried in this round; this one was
  sameDispatcher,   // as otherDispatcher, but this one counts as not tried. If it cannot be used at the
                    // moment, for example because its worker has died, another dispatcher gets the SMS
  held,             // settle it as held: its messages stay N and wait for an operator
  nextRound,        // the round is over: the recipient waits, then all dispatchers are tried again. The road
                    // gives the SMS up instead if retry.limit and retry.give_up_after are reached
};

/// The facts about an SMS that decide beside the outcome. "This dispatcher" had the attempt.
struct Situation {
  Begun begun = Begun::yes;      // no: the worker gave the SMS back untouched, or ended before it began it
  int givenBack = 0;             // with `begun` no: attempts of the SMS that never began, at any dispatcher
                                 // and in any round, this one included
  bool othersLeft = false;       // another dispatcher was not tried in this round, and is usable or, if this
                                 // outcome is an answer that was not understood, starting
  bool everyoneRefused = false;  // this outcome is a refusal, and every other configured dispatcher has
                                 // refused the SMS in this round
  bool sameKnowsKeys = false;    // this dispatcher's gateway drops a second request with the same key
  bool holds = false;     // retry.unknown for its severity is `hold`: an SMS that may have been sent is
                          // not sent again
  int notUnderstood = 0;  // earlier attempts of the SMS that were answered, but not understood, in any
                          // round
  bool understandsNothing = false;  // this dispatcher has understood none of its last six answers
                                    // (Breaker::understandsNothing)
  int unknownsHere = 1;  // with an unknown outcome: attempts at this dispatcher in this round with such an
                         // outcome, this one included
};

/// How often an SMS may come back untouched without any consequence. From the next time on, the dispatcher
/// that did not begin it counts as tried.
constexpr int mostGivenBack = 3;

/// How often one dispatcher repeats an SMS in one round while its outcomes stay unknown: it sends the SMS
/// three times at most.
constexpr int repeatsPerRound = 2;

/// Returns the first row of the table that fits.
Verdict verdict(const Outcome& outcome, const Situation& situation);

}  // namespace smsd::delivery
