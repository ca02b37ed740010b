// SPDX-License-Identifier: GPL-3.0-or-later
// A submission in the road's hands: its history so far, and its place among the others.
//
// Used by the road only. Pure. Its history with each dispatcher is stored here, by Keeper::index, and
// nowhere else.
#pragma once

#include <kj/time.h>

#include <chrono>
#include <climits>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "supervisor/delivery/outcome.h"

namespace smsd::road {

class SmsUnderWay;

enum class Tried : char { no, refused, failed };

/// The history of an SMS with one dispatcher in this round.
struct Met {
  Tried tried = Tried::no;
  int unknowns = 0;
};

enum class Stage : char {
  deciding,   // the road decides how it goes on
  pending,    // waits for room at a dispatcher
  recording,  // waits until its next attempt is durable
  inFlight,   // with a worker
  waiting,    // may have been sent, and waits for its next round
};

struct Item;

/// Most severe first; among equals certainly not sent before maybe sent; then oldest.
using Order = std::tuple<int, bool, format::MessageId, queue::SubmissionId>;
/// In the order in which they leave. While an SMS is pending, nothing that orderOf() reads may change.
using Pending = std::map<Order, Item*>;

/// The stage of an SMS. Read and written by the SMS under way only.
class StageRecord {
  friend class SmsUnderWay;
  const SmsUnderWay* among_ = nullptr;  // none: it is not under way
  Stage stage_ = Stage::deciding;
  kj::TimePoint due_ = kj::origin<kj::TimePoint>();  // while it waits for its next round
  Pending::iterator place_{};                        // while it is pending
};

struct Item {
  queue::Submission submission;
  StageRecord record;
  std::vector<Met> met;    // by Keeper::index; shorter if later dispatchers were not met
  delivery::Outcome last;  // of the attempt before the current one
  int givenBack = 0;       // times a worker exited or gave it back before it began
  int notUnderstood = 0;   // its attempts that were answered, but not understood
  bool maybeSent = false;  // an attempt was unknown: the SMS keeps its key, so it is never formatted again
  bool blamed = false;     // a failure in this round counts against its recipient
  enum class Attempt {
    fresh,
    used
  } attempt = Attempt::fresh;                         // used: handed over already; the next needs a new id
  kj::TimePoint since = kj::origin<kj::TimePoint>();  // when it was handed over
  std::optional<kj::TimePoint> queued;                // when its most severe message came; none: not known
  std::optional<kj::TimePoint> failedOver;  // when it was handed to the dispatcher that failed before
  std::optional<kj::TimePoint> failing;  // when the first failure happened that counted against its recipient
  std::optional<int>
      urgency;  // severity of a more severe message to the same recipient that waits for the end of this one

  Met at(std::size_t dispatcher) const { return dispatcher < met.size() ? met[dispatcher] : Met{}; }
  Met& at(std::size_t dispatcher) {
    if (dispatcher >= met.size()) met.resize(dispatcher + 1);
    return met[dispatcher];
  }
  /// Returns how long it has failed, from the first failure that counted; none: none did.
  std::optional<std::chrono::milliseconds> failingFor(kj::TimePoint now) const {
    if (!failing) return std::nullopt;
    return std::chrono::milliseconds((now - *failing) / kj::MILLISECONDS);
  }
  void nextRound() {
    met.clear();
    blamed = false;
  }
};

/// Returns its severity as a number that sorts; none comes last. If a more severe message waits behind it,
/// that message's severity counts.
inline int rankOf(const Item& item) {
  int severity = item.submission.severity.value_or(INT_MAX);
  return std::min(severity, item.urgency.value_or(INT_MAX));
}

inline Order orderOf(const Item& item) {
  return {rankOf(item), item.maybeSent, item.submission.first, item.submission.id};
}

}  // namespace smsd::road
