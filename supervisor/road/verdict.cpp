#include "supervisor/road/verdict.h"

namespace smsd {
namespace {

/// It may have been sent. A gateway that knows keys is asked again, any other way is a possible second copy:
/// so the same one first where it cannot hurt, then another, then the same all the same.
Verdict unknown(const Outcome& outcome, const Situation& situation) {
  if (situation.holds) return Verdict::held;
  // It was answered before, so that it was probably sent then; and this was the repetition.
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
  // A worker that ended before it touched the SMS says nothing of the way out: its successor may have it.
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

}  // namespace smsd
