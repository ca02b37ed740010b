// SPDX-License-Identifier: GPL-3.0-or-later
// The SMS under way: each submission that the road holds, in exactly one stage.
//
// Owns them from the claim until they are settled or given up. Called by the road, which names each move; a
// move that does not start in its stage is a fault of smsd's own, and fails. Decides nothing. Pure: time
// comes in as an argument.
//
// `deciding` is the middle of all: an SMS enters there, comes back there when something has ended (its
// attempt, its round, its wait), and leaves from there. The road decides within the same call how it goes on.
#pragma once

#include <kj/time.h>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "supervisor/road/claim-plan.h"
#include "supervisor/road/item.h"

namespace smsd::road {

class SmsUnderWay {
 public:
  using Pending = road::Pending;
  using ByAttempt = std::unordered_map<queue::AttemptId, Item*>;

  // --- the moves
  /// new -> deciding
  Item& enter(std::unique_ptr<Item> item);
  /// deciding -> pending
  void waitForRoom(Item& item) { move(item, Stage::deciding, Stage::pending); }
  /// deciding -> waiting
  void waitForRound(Item& item, kj::TimePoint due);
  /// deciding -> in flight: an earlier smsd handed it over.
  void adopt(Item& item) { move(item, Stage::deciding, Stage::inFlight); }
  /// pending -> in flight
  void handOver(Item& item) { move(item, Stage::pending, Stage::inFlight); }
  /// pending -> recording
  void record(Item& item) { move(item, Stage::pending, Stage::recording); }
  /// recording -> deciding. Returns none if it is not under way any more.
  Item* recorded(queue::SubmissionId id);
  /// in flight -> deciding. Returns none if that attempt is not under way any more.
  Item* ended(queue::AttemptId attempt);
  /// pending or waiting -> deciding
  void reconsider(Item& item);
  /// deciding -> gone
  std::unique_ptr<Item> leave(Item& item);
  /// All are gone, whatever their stage.
  void clear();

  // --- what there is
  std::size_t size() const { return items_.size(); }
  std::size_t count(Stage stage) const;
  bool none(Stage stage) const { return count(stage) == 0; }
  const Pending& pending() const { return pending_; }
  const ByAttempt& inFlight() const { return inFlight_; }
  /// Returns the SMS and its stage; none: it is not under way.
  std::optional<std::pair<Item*, Stage>> find(queue::SubmissionId id) const;
  /// Returns those that wait for a round that begins at `now` or before.
  std::vector<Item*> due(kj::TimePoint now) const;
  /// Returns those that wait for a round, the next one first.
  std::vector<Item*> waiting() const;
  /// Returns when the next round begins; none: no SMS waits for one.
  std::optional<kj::TimePoint> nextRound() const;
  /// Counts for the claim plan. `capacity`: how many SMS the first usable dispatcher takes at once.
  ClaimPlan::InHand inHand(std::size_t capacity) const;

 private:
  void move(Item& item, Stage from, Stage to);

  std::unordered_map<queue::SubmissionId, std::unique_ptr<Item>> items_;
  std::size_t recording_ = 0;  // how many; the others are counted by their lists
  // The lists of those in a stage. Each holds exactly the SMS of that stage.
  Pending pending_;
  ByAttempt inFlight_;
  std::map<std::pair<kj::TimePoint, queue::SubmissionId>, Item*> waiting_;
};

}  // namespace smsd::road
