// When the queue is looked at, where, and for how many recipients. Pure: what is in hand comes in as an
// argument.
//
// Owns the course of the sweep and the looks at the head. Called by the road: notice() when there may be
// something new, next() when the queue is free to be asked, answered() with the result. A plan that next()
// returned and that nobody answered has failed, and is made again.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "supervisor/queue/queue.h"

namespace smsd {

class ClaimPlan {
 public:
  /// What the road holds when it asks.
  struct InHand {
    std::size_t capacity = 1;  // of the first usable dispatcher: what it takes at once
    std::size_t all = 0;       // SMS that wait for room or for their next attempt to be durable
    std::size_t waiting = 0;   // those of them that wait for room
    std::size_t milder = 0;    // those that wait for room and are less severe than the most severe of them
  };
  struct Plan {
    queue::Look look = queue::Look::onward;
    std::size_t limit = 0;  // recipients
    bool operator==(const Plan&) const = default;
  };

  /// One look in `share` goes onward instead of to the head, however much news there is.
  explicit ClaimPlan(unsigned share) : share_(share) {}

  // How far ahead of the dispatcher's windows we claim: enough that a claim is one large transaction, not so
  // much that a new critical alert, or a further message for the same recipient, would find everything
  // already formatted.
  static constexpr std::size_t ahead = 4;  // times what the dispatcher takes at once
  static constexpr std::size_t least = 8;
  static constexpr std::size_t most = 500;  // beyond this a larger batch gains nothing
  // The first claim of a sweep is small, and each further one larger: the dispatcher works while the queue
  // does, instead of after it.
  static constexpr std::size_t first = 64, grows = 4;

  /// There may be something new in the queue.
  void notice();
  /// The queue has to be walked through to its end.
  void sweep() { sweep_ = true; }
  /// And once more after that.
  void sweepTwice() { sweep_ = sweepAgain_ = true; }
  /// None: there is nothing to look for, or enough in hand.
  std::optional<Plan> next(const InHand& hand);
  /// `atEnd`: an onward look has seen everything.
  void answered(queue::Look look, bool atEnd);

  /// There is something to look for.
  bool wants() const { return sweep_ || head_; }

 private:
  bool othersStarve(const InHand& hand) const;

  unsigned share_;
  bool sweep_ = true;        // the queue has to be walked through
  bool sweepAgain_ = false;  // and once more after that
  bool fresh_ = false;       // for news, which no look has seen yet
  bool head_ = false;        // its head has to be looked at first
  bool headAsked_ = false;   // that claim has not been answered; still set when the next is wanted: it failed
  unsigned headsInARow_ = 0;   // looks at the head since the last look onward
  std::size_t limit_ = first;  // at most so many recipients; grows in the course of a sweep
};

}  // namespace smsd
