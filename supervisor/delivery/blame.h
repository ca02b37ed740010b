// SPDX-License-Identifier: GPL-3.0-or-later
// Decides whether a failed attempt counts against the recipient or the dispatcher. Retry belongs to the
// recipient, so only failures that count against it count towards retry.limit.
//
// There is one Streak per dispatcher, over its failures in a row. A dispatcher that cannot be reached, or
// reports that it is broken, proves nothing about a recipient. If the dispatcher takes the SMS of others, the
// fault is the recipient's. If it takes no SMS at all, it is itself at fault. While only one recipient has
// met it, the cause is open, and the recipient is blamed. Pure. Called by the road.
#pragma once

#include <optional>
#include <string>

#include "supervisor/delivery/outcome.h"

namespace smsd::delivery {

enum class Blame { recipient, dispatcher };

class Streak {
 public:
  /// Returns whom an attempt with this outcome counts against. For `accepted` the result has no meaning.
  Blame judge(const std::string& recipient, const Outcome& outcome) {
    switch (outcome.kind) {
      case OutcomeKind::accepted:
      case OutcomeKind::refused:  // an answer about this SMS: the dispatcher works
        first_.reset();
        several_ = false;
        return Blame::recipient;
      case OutcomeKind::broken:
        return Blame::dispatcher;
      case OutcomeKind::deferred:
        if (outcome.reached == Reached::no) return Blame::dispatcher;
        break;
      case OutcomeKind::unknown:
        // The gateway answered: the fault is in the dispatcher's file, which does not match the answer.
        if (outcome.notUnderstood()) return Blame::dispatcher;
        break;
    }
    if (!first_) first_ = recipient;
    several_ = several_ || *first_ != recipient;
    return several_ ? Blame::dispatcher : Blame::recipient;
  }

 private:
  std::optional<std::string> first_;  // the first recipient it failed since it last took or refused an SMS
  bool several_ = false;              // it has failed others as well
};

}  // namespace smsd::delivery
