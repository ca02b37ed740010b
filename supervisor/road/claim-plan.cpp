#include "supervisor/road/claim-plan.h"

#include <algorithm>

namespace smsd {

void ClaimPlan::notice() {
  if (sweep_) {
    head_ = true;
    sweepAgain_ = true;
  } else {
    sweep_ = fresh_ = true;
  }
}

/// Is it the turn of a look onward, although the most severe keep us busy? Only while little of what they
/// keep waiting is in hand.
bool ClaimPlan::othersStarve(const InHand& hand) const {
  if (headsInARow_ + 1 < share_) return false;
  return hand.waiting == 0 || hand.milder < hand.capacity;
}

std::optional<ClaimPlan::Plan> ClaimPlan::next(const InHand& hand) {
  if (std::exchange(headAsked_, false)) head_ = true;
  Plan plan{.limit = std::clamp(std::min(ahead * hand.capacity, limit_), least, most)};
  bool room = hand.all < most + ahead * hand.capacity;
  bool onward = sweep_ && room && othersStarve(hand);
  // What came may be more severe than what is in hand, however much that is.
  bool news = head_ || (fresh_ && hand.all >= 2 * hand.capacity);
  if (news && room && !onward) {
    head_ = fresh_ = false;
    headAsked_ = true;
    ++headsInARow_;
    plan.look = queue::Look::head;
    return plan;
  }
  if (!onward && !(sweep_ && hand.all < 2 * hand.capacity)) return std::nullopt;
  headsInARow_ = 0;
  fresh_ = false;
  limit_ = std::min(grows * limit_, most);
  return plan;
}

void ClaimPlan::answered(queue::Look look, bool atEnd) {
  headAsked_ = false;
  if (look != queue::Look::onward || !atEnd) return;
  sweep_ = std::exchange(sweepAgain_, false);
  limit_ = first;
}

}  // namespace smsd
