// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/delivery/verdict.h"

namespace smsd::delivery {
namespace {

/// The SMS may have been sent. A gateway that knows keys drops a second copy; any other dispatcher may send
/// it. So the order is: the same dispatcher if its gateway knows keys, another dispatcher, the same
/// dispatcher without keys.
Verdict unknown(const Outcome& outcome, const Situation& situation) {
  if (situation.holds) return Verdict::held;
  // An earlier attempt was answered, so it probably sent the SMS; this attempt was the repetition.
  if (situation.notUnderstood > 0) return Verdict::held;
  if (outcome.notUnderstood()) {
    if (situation.othersLeft) return Verdict::otherDispatcher;
    return situation.understandsNothing ? Verdict::held : Verdict::sameDispatcher;
  }
  bool maySame = situation.unknownsHere <= repeatsPerRound;
  if (situation.sameKnowsKeys && maySame) return Verdict::sameDispatcher;
  if (situation.othersLeft) return Verdict::otherDispatcher;
  return maySame ? Verdict::sameDispatcher : Verdict::nextRound;
}

}  // namespace

Verdict verdict(const Outcome& outcome, const Situation& situation) {
  // A worker that ended before it touched the SMS is no evidence: its successor may have it.
  if (situation.begun == Begun::no) {
    if (situation.givenBack <= mostGivenBack) return Verdict::sameDispatcher;
    return situation.othersLeft ? Verdict::otherDispatcher : Verdict::nextRound;
  }
  switch (outcome.kind) {
    case OutcomeKind::accepted:
      return Verdict::sent;
    case OutcomeKind::refused:
      if (situation.othersLeft) return Verdict::otherDispatcher;
      return situation.everyoneRefused ? Verdict::ignored : Verdict::nextRound;
    case OutcomeKind::deferred:
    case OutcomeKind::broken:
      return situation.othersLeft ? Verdict::otherDispatcher : Verdict::nextRound;
    case OutcomeKind::unknown:
      return unknown(outcome, situation);
  }
  return Verdict::nextRound;
}

}  // namespace smsd::delivery
