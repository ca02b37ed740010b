// SPDX-License-Identifier: GPL-3.0-or-later
// Whose turn is it? The most severe goes first, but one hand-over in so many goes to the oldest in hand, so
// that less severe SMS get their share however much keeps coming. Pure. Called by the road.
#pragma once

#include <climits>
#include <cstdint>

namespace smsd::road {

class Turns {
 public:
  /// One hand-over in `share` (queue.mild_share) goes to the oldest; 0: none.
  explicit Turns(unsigned share) { use(share); }
  void use(unsigned share) {
    share_ = share;
    if (share_ > 0 && left_ >= share_) left_ = share_ - 1;
  }

  /// Whether the oldest has its turn if the most severe in hand has the rank `rank`. An SMS that is more
  /// severe than the last one handed over does not wait for that turn; the turn comes after it.
  bool oldests(int rank) const { return share_ > 0 && left_ == 0 && rank >= last_; }
  /// Ends the turn of the oldest, used or not.
  void over() { left_ = share_; }
  void handed(int rank) {
    if (left_ > 0) --left_;
    last_ = rank;
  }

 private:
  unsigned share_ = 0;
  unsigned left_ = UINT_MAX;  // hand-overs until the oldest's turn
  int last_ = INT_MAX;        // the rank of the last hand-over
};

}  // namespace smsd::road
