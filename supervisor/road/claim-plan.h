// When the queue is looked at, where, and for how many recipients. Pure: what is in hand comes in as an
// argument.
//
// Owns the course of the sweep and the looks at the head. Called by the road: notice() when there may be
// something new, next() when the queue is free to be asked, answered() with the result. A plan that next()
// returned and that nobody answered has failed, and is made again.
#pragma once

#include <climits>
#include <cstddef>
#include <cstdint>
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
    int mildest = INT_MAX;     // the rank of the least severe of them
  };
  struct Plan {
    queue::Look look = queue::Look::onward;
    std::size_t limit = 0;                // recipients
    std::optional<int> moreSevereThan{};  // a rank: nothing else is claimed
    bool operator==(const Plan&) const = default;
  };

  /// One look in `share` goes onward instead of to the head, however much news there is; 0: none does.
  explicit ClaimPlan(unsigned share) : share_(share) {}
  void use(unsigned share) { share_ = share; }

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
  /// A place is to be given away that is worth a look at the head of the queue before.
  void lookFirst();
  /// The queue has to be walked through to its end.
  void sweep() { sweep_ = true; }
  /// And once more after that.
  void sweepTwice() { sweep_ = sweepAgain_ = true; }
  /// None: there is nothing to look for, or enough in hand.
  std::optional<Plan> next(const InHand& hand);
  /// While only an SMS that is more severe than `moreSevereThan` can be sent (none: any), and only one.
  std::optional<Plan> nextForOne(std::optional<int> moreSevereThan);
  /// What was planned has been done, and `found` recipients were claimed, the last of rank `last`. `atEnd`: a
  /// look onward has seen everything.
  void answered(std::size_t found, int last, bool atEnd);

  /// The news so far, counted; and is a look under way or to come that has seen no more of them than this?
  std::uint64_t news() const { return news_; }
  bool awaits(std::uint64_t news, const InHand& hand) const {
    return seen_ < news && (head_ || fresh_ || asked_) && hasRoom(hand);
  }

  /// There is something to look for.
  bool wants() const { return sweep_ || head_; }

 private:
  struct Asked {
    Plan plan;
    std::uint64_t news = 0;
    bool first = false;  // the first look of a sweep, which begins at the head
  };
  static bool hasRoom(const InHand& hand) { return hand.all < most + ahead * hand.capacity; }
  bool othersStarve(const InHand& hand) const;
  void askAgain();
  Plan ask(Plan plan);

  unsigned share_;
  bool sweep_ = true;           // the queue has to be walked through
  bool sweepAgain_ = false;     // and once more after that
  bool begins_ = true;          // the next look onward is the first of a sweep
  bool fresh_ = true;           // for news, which no look has seen yet
  bool head_ = false;           // its head has to be looked at first
  std::optional<int> more_;     // it may still have some of this rank, or milder; none: all of it was claimed
  bool partly_ = false;         // only some of the news was seen by the last look at the head
  std::optional<Asked> asked_;  // not answered; still there when the next is wanted: it failed
  unsigned headsInARow_ = 0;    // looks at the head since the last look onward
  std::size_t limit_ = first;   // at most so many recipients; grows in the course of a sweep
  std::uint64_t news_ = 1;      // counted
  std::uint64_t seen_ = 0;      // so many of them when the last look at the head was asked for
};

}  // namespace smsd
