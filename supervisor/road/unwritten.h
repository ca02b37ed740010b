// SPDX-License-Identifier: GPL-3.0-or-later
// Everything that has to become durable: settlements and next attempts, in the order in which they came.
// Pure.
//
// Owns them from settle() and record() until the queue has taken them. The entries of the current call are
// kept apart, because the queue thread reads them: after a failure they go back to the front. A settlement
// that the database refuses, and always will, is found by sending the settlements one by one, because it
// would block the others for ever. Called by the ledger.
#pragma once

#include <kj/debug.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/queue/queue.h"

namespace smsd::road {

class Unwritten {
 public:
  using Settlements = std::vector<queue::Settlement>;
  using Attempts = std::vector<queue::NextAttempt>;

  void settle(queue::Settlement settlement) { unsettled_.push_back(std::move(settlement)); }
  void record(queue::NextAttempt next) { unrecorded_.push_back(std::move(next)); }

  /// Also false while a call has all of it.
  bool empty() const { return settlements() == 0 && unrecorded_.empty() && recording_.empty(); }
  std::size_t settlements() const { return unsettled_.size() + settling_.size(); }
  /// The next settlements are sent one by one.
  bool oneByOne() const { return oneByOne_ > 0; }

  /// Returns the settlements for the next call, or nullptr if there are none. They stay in place until
  /// settled() or undone().
  const Settlements* beginToSettle() {
    KJ_REQUIRE(settling_.empty() && recording_.empty(), "a settlement began while another call ran");
    if (unsettled_.empty()) return nullptr;
    if (oneByOne_ == 0) {
      settling_.swap(unsettled_);  // so that both keep their memory
    } else {
      --oneByOne_;
      settling_.push_back(std::move(unsettled_.front()));
      unsettled_.erase(unsettled_.begin());
    }
    return &settling_;
  }
  void settled() {
    KJ_REQUIRE(!settling_.empty(), "settlements were written that were not sent");
    settling_.clear();
  }

  /// Likewise for the next attempts.
  const Attempts* beginToRecord() {
    KJ_REQUIRE(settling_.empty() && recording_.empty(), "a record began while another call ran");
    if (unrecorded_.empty()) return nullptr;
    recording_ = std::exchange(unrecorded_, {});
    return &recording_;
  }
  Attempts recorded() {
    KJ_REQUIRE(!recording_.empty(), "attempts were written that were not sent");
    return std::exchange(recording_, {});
  }

  /// The call failed: puts its entries in front of those that came since.
  void undone() {
    putBack(settling_, unsettled_);
    putBack(recording_, unrecorded_);
  }
  /// Drops all entries that no call has, because the submissions belong to another supervisor.
  void drop() {
    unsettled_.clear();
    unrecorded_.clear();
  }

  struct Refused {
    enum class Then {
      oneByOne,   // one of several, which are sent one by one from now on to find it
      held,       // it is sent again as held
      forgotten,  // it was refused as held as well: its submission stays in progress until smsd restarts
    } then;
    queue::Settlement settlement{};  // the refused one, except with `oneByOne`
  };
  /// The database refuses the call and always will. Returns none if the call was no settlement. A refused
  /// settlement becomes held: only its submission records the outcome of the SMS, and its messages wait for
  /// an operator.
  std::optional<Refused> refuse() {
    if (settling_.empty()) return std::nullopt;
    if (settling_.size() > 1) {
      oneByOne_ = settling_.size();
      putBack(settling_, unsettled_);
      return Refused{Refused::Then::oneByOne};
    }
    queue::Settlement refused = std::move(settling_.front());
    settling_.clear();
    if (!aside_.insert(refused.submission.id).second)
      return Refused{Refused::Then::forgotten, std::move(refused)};
    queue::Settlement held = refused;
    held.fate = queue::Fate::held;
    held.reason = "the outcome was " + held.outcome + ", but the database refused it";
    held.reference.clear();
    held.wait.reset();
    unsettled_.insert(unsettled_.begin(), std::move(held));
    oneByOne_ = std::max<std::size_t>(oneByOne_, 1);
    return Refused{Refused::Then::held, std::move(refused)};
  }

 private:
  template <typename T>
  static void putBack(std::vector<T>& undone, std::vector<T>& waiting) {
    undone.insert(undone.end(), std::make_move_iterator(waiting.begin()),
                  std::make_move_iterator(waiting.end()));
    waiting = std::exchange(undone, {});
  }

  Settlements unsettled_, settling_;     // the queue thread reads settling_ during a call
  Attempts unrecorded_, recording_;      // likewise
  std::size_t oneByOne_ = 0;             // settlements to send one by one
  std::set<queue::SubmissionId> aside_;  // refused as they were, tried as held
};

}  // namespace smsd::road
