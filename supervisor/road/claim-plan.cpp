// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/claim-plan.h"

#include <algorithm>

namespace smsd::road {

void ClaimPlan::notice() {
  ++news_;
  if (sweep_) {
    head_ = true;
    sweepAgain_ = true;
  } else {
    sweep_ = fresh_ = true;
  }
}

void ClaimPlan::lookFirst() {
  ++news_;
  head_ = true;
}

/// Whether it is time for a look onward although the most severe messages keep smsd busy. It is only while
/// few of the less severe SMS that wait behind them are in hand.
bool ClaimPlan::othersStarve(const InHand& hand) const {
  if (share_ == 0 || headsInARow_ + 1 < share_) return false;
  return hand.waiting == 0 || hand.milder < hand.capacity;
}

/// Plans the look of an unanswered plan again.
void ClaimPlan::askAgain() {
  auto asked = std::exchange(asked_, std::nullopt);
  if (!asked) return;
  if (asked->plan.look == queue::Look::head)
    head_ = true;
  else if (asked->first)
    begins_ = fresh_ = true;
}

ClaimPlan::Plan ClaimPlan::ask(Plan plan) {
  bool begins = plan.look == queue::Look::onward && std::exchange(begins_, false);
  if (begins || plan.look == queue::Look::head) fresh_ = false;
  asked_ = Asked{plan, news_, begins};
  return plan;
}

std::optional<ClaimPlan::Plan> ClaimPlan::next(const InHand& hand) {
  askAgain();
  if (std::exchange(partly_, false)) lookFirst();
  Plan plan{.limit = std::clamp(std::min(ahead * hand.capacity, limit_), least, most)};
  bool enough = hand.all >= 2 * hand.capacity;
  bool onward = sweep_ && hasRoom(hand) && othersStarve(hand);
  // News may be more severe than the SMS in hand, however many those are. Messages that a look at the head
  // left there go before those that a look onward would find.
  bool news = head_ || (fresh_ && enough);
  bool more = more_ && (!enough || (hand.waiting > 0 && hand.mildest > *more_));
  if ((news || more) && hasRoom(hand) && !onward) {
    head_ = false;
    ++headsInARow_;
    plan.look = queue::Look::head;
    if (enough && hand.waiting > 0) plan.moreSevereThan = hand.mildest;
    return ask(plan);
  }
  if (!onward && (!sweep_ || enough)) return std::nullopt;
  headsInARow_ = 0;
  limit_ = std::min(grows * limit_, most);
  return ask(plan);
}

std::optional<ClaimPlan::Plan> ClaimPlan::nextForOne(std::optional<int> moreSevereThan) {
  askAgain();
  if (!head_ && !fresh_) return std::nullopt;
  head_ = false;
  partly_ = true;
  return ask({.look = queue::Look::head, .limit = 1, .moreSevereThan = moreSevereThan});
}

void ClaimPlan::answered(std::size_t found, int last, bool atEnd) {
  auto asked = std::exchange(asked_, std::nullopt);
  if (!asked) return;
  const bool atHead = asked->plan.look == queue::Look::head;
  if (atHead || asked->first) seen_ = std::max(seen_, asked->news);
  if (atHead) {
    more_ = asked->plan.moreSevereThan;
    if (found >= asked->plan.limit) more_ = last;
  }
  if (atHead || !atEnd) return;
  sweep_ = std::exchange(sweepAgain_, false);
  begins_ = true;
  limit_ = first;
}

}  // namespace smsd::road
