// A submission in the road's hands: what it has met so far, and where it stands among the others.
//
// Used by the road only. Pure. What it keeps of a dispatcher it keeps by Road::indexOf, here and nowhere
// else.
#pragma once

#include <kj/time.h>

#include <climits>
#include <optional>
#include <tuple>
#include <vector>

#include "supervisor/road/outcome.h"

namespace smsd {

enum class Tried : char { no, refused, failed };

/// What an SMS has met at one dispatcher in this round.
struct Met {
  Tried tried = Tried::no;
  int unknowns = 0;
};

struct Item {
  queue::Submission submission;
  std::vector<Met> met;    // by dispatcher (Road::indexOf), as far as it came
  Outcome last;            // of the attempt before the one in force
  int givenBack = 0;       // times a worker ended or gave it back before it touched it
  int notUnderstood = 0;   // attempts of it that were answered, and not understood
  bool maybeSent = false;  // an attempt of it was unknown: it keeps its key, so it is never formatted anew
  bool blamed = false;     // a failure in this round speaks against its recipient
  enum class Attempt {
    fresh,
    used
  } attempt = Attempt::fresh;                         // used: it was out already; the next needs a new id
  kj::TimePoint since = kj::origin<kj::TimePoint>();  // handed over
  std::optional<kj::TimePoint> failing;  // since the first failure that counted against its recipient
  std::optional<int>
      urgency;  // of a more severe message to the same recipient that cannot go before this has ended

  Met at(std::size_t dispatcher) const { return dispatcher < met.size() ? met[dispatcher] : Met{}; }
  Met& at(std::size_t dispatcher) {
    if (dispatcher >= met.size()) met.resize(dispatcher + 1);
    return met[dispatcher];
  }
  void nextRound() {
    met.clear();
    blamed = false;
  }
};

/// Its severity as a number that sorts: none comes last. A more severe message behind it counts as its own.
inline int rankOf(const Item& item) {
  int severity = item.submission.severity.value_or(INT_MAX);
  return std::min(severity, item.urgency.value_or(INT_MAX));
}

/// Most severe first; among equals certainly not sent before maybe sent; then oldest.
using Order = std::tuple<int, bool, MessageId, queue::SubmissionId>;

inline Order orderOf(const Item& item) {
  return {rankOf(item), item.maybeSent, item.submission.first, item.submission.id};
}

}  // namespace smsd
