// SPDX-License-Identifier: GPL-3.0-or-later
// Decides when to look at the queue, where, and for how many recipients. Pure: the SMS in hand come in as an
// argument.
//
// Owns the course of the sweep and the looks at the head. Called by the road: notice() when the queue may
// have something new, next() when the queue is free for a call, answered() with the result. If next() is
// called before answered(), the previous plan has failed, and its look is planned again.
#pragma once

#include <climits>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "supervisor/queue/queue.h"

namespace smsd::road {

class ClaimPlan {
 public:
  /// The SMS that the road holds when it calls next().
  struct InHand {
    std::size_t capacity = 1;  // how many SMS the first usable dispatcher takes at once
    std::size_t all = 0;       // SMS that wait for room or for their next attempt to be durable
    std::size_t waiting = 0;   // those of them that wait for room
    std::size_t milder = 0;    // those that wait for room and are less severe than the most severe of them
    int mildest = INT_MAX;     // the rank of the least severe of those that wait for room
  };
  struct Plan {
    queue::Look look = queue::Look::onward;
    std::size_t limit = 0;                // recipients, at most
    std::optional<int> moreSevereThan{};  // a rank; if set, only more severe messages are claimed
    bool operator==(const Plan&) const = default;
  };

  /// `share`: one look in `share` goes onward instead of to the head, despite all news; 0: none.
  explicit ClaimPlan(unsigned share) : share_(share) {}
  void use(unsigned share) { share_ = share; }

  // How far ahead of the dispatcher's windows to claim: enough that a claim is one large transaction, but not
  // so much that a new critical alert, or a further message for the same recipient, finds everything
  // formatted already.
  static constexpr std::size_t ahead = 4;  // times the SMS that the dispatcher takes at once
  static constexpr std::size_t least = 8;
  static constexpr std::size_t most = 500;  // a larger batch gains nothing
  // The first claim of a sweep is small, and each further one is larger, so that the dispatcher works while
  // the queue does instead of after it.
  static constexpr std::size_t first = 64, grows = 4;

  /// Notes that the queue may have something new.
  void notice();
  /// Requests a look at the head of the queue before an important place is given away.
  void lookFirst();
  /// Requests a walk through the queue to its end.
  void sweep() { sweep_ = true; }
  /// Requests two such walks, one after the other.
  void sweepTwice() { sweep_ = sweepAgain_ = true; }
  /// Returns the next look, or none if there is nothing to look for or enough is in hand.
  std::optional<Plan> next(const InHand& hand);
  /// Returns a look at the head for one recipient, or none. For times when no dispatcher is usable, but one
  /// would take a single SMS that is more severe than `moreSevereThan` (none: any SMS).
  std::optional<Plan> nextForOne(std::optional<int> moreSevereThan);
  /// Notes that the last plan was carried out: `found` recipients were claimed, the last of rank `last`.
  /// `atEnd`: a look onward has reached the end of the queue.
  void answered(std::size_t found, int last, bool atEnd);

  /// news() counts the news so far. awaits() returns true while the first `news` of them have not all been
  /// seen, a look is in progress or planned, and there is room for its result.
  std::uint64_t news() const { return news_; }
  bool awaits(std::uint64_t news, const InHand& hand) const {
    return seen_ < news && (head_ || fresh_ || asked_) && hasRoom(hand);
  }

  /// Whether there is something to look for.
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
  bool sweep_ = true;           // a walk through the queue is needed
  bool sweepAgain_ = false;     // and once more after that
  bool begins_ = true;          // the next look onward is the first of a sweep
  bool fresh_ = true;           // there is news that no look has seen yet
  bool head_ = false;           // the head has to be looked at first
  std::optional<int> more_;     // the head may still have this rank or milder; none: all was claimed
  bool partly_ = false;         // the last look at the head saw only some of the news
  std::optional<Asked> asked_;  // not answered yet; if still set at the next call, it failed
  unsigned headsInARow_ = 0;    // looks at the head since the last look onward
  std::size_t limit_ = first;   // recipients per look, at most; grows in the course of a sweep
  std::uint64_t news_ = 1;      // count of the news so far
  std::uint64_t seen_ = 0;      // that count when the last answered look at the head was planned
};

}  // namespace smsd::road
