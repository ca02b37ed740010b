// Whose fault is it, the recipient's or the dispatcher's? Asked of each failed attempt, because retry belongs
// to the recipient: only what speaks against it counts against it (retry.limit).
//
// One a dispatcher, over its failures in a row. A dispatcher that cannot be reached or says that it is broken
// says nothing of a recipient. One that answers, and takes the SMS of others, does. One that takes nobody's
// is itself the trouble; while only one recipient has met it, nobody can tell, and the recipient is believed
// to be at fault. Pure. Called by the road.
#pragma once

#include <optional>
#include <string>

#include "supervisor/road/outcome.h"

namespace smsd {

enum class Blame { recipient, dispatcher };

class Streak {
 public:
  /// An attempt has ended so; whom does it speak against? Of `accepted` nothing is to be asked.
  Blame judge(const std::string& recipient, const Outcome& outcome) {
    switch (outcome.kind) {
      case OutcomeKind::accepted:
      case OutcomeKind::refused:  // an answer about this SMS: the way out works
        first_.reset();
        several_ = false;
        return Blame::recipient;
      case OutcomeKind::broken:
        return Blame::dispatcher;
      case OutcomeKind::deferred:
        if (outcome.farEnd == FarEnd::notReached) return Blame::dispatcher;
        break;
      case OutcomeKind::unknown:
        // An answer: what is wrong is what the dispatcher's file says of it.
        if (outcome.notUnderstood()) return Blame::dispatcher;
        break;
    }
    if (!first_) first_ = recipient;
    several_ = several_ || *first_ != recipient;
    return several_ ? Blame::dispatcher : Blame::recipient;
  }

 private:
  std::optional<std::string> first_;  // whom it has failed since it last took or refused something
  bool several_ = false;              // and others, too
};

}  // namespace smsd
