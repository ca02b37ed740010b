// What a worker said of an attempt, as the supervisor keeps it: checked, cut, printable. See Outcome in
// proto/dispatcher.capnp.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "supervisor/queue/queue.h"

namespace smsd {

enum class OutcomeKind { accepted, refused, deferred, broken, unknown };

constexpr std::string_view name(OutcomeKind kind) {
  switch (kind) {
    case OutcomeKind::accepted:
      return "accepted";
    case OutcomeKind::refused:
      return "refused";
    case OutcomeKind::deferred:
      return "deferred";
    case OutcomeKind::broken:
      return "broken";
    case OutcomeKind::unknown:
      return "unknown";
  }
  return "?";
}

enum class FarEnd { reached, notReached };

/// What the far end said of an SMS that may have been sent.
enum class Reply {
  none,           // nothing, or not whether it took the SMS
  notUnderstood,  // a success, in words that the dispatcher's configuration does not understand
};

struct Outcome {
  OutcomeKind kind = OutcomeKind::unknown;
  std::string words;                   // the reason; for accepted the reference
  std::chrono::milliseconds after{0};  // deferred: how long the far end asked us to wait; 0: it did not say
  FarEnd farEnd = FarEnd::reached;     // deferred: not reached, it says nothing of the recipient
  Reply reply = Reply::none;           // unknown: an answer is not silence

  bool notUnderstood() const { return kind == OutcomeKind::unknown && reply == Reply::notUnderstood; }
};

/// As the queue keeps it (queue::notUnderstood) and the journal has it.
inline std::string_view name(const Outcome& outcome) {
  return outcome.notUnderstood() ? queue::notUnderstood : name(outcome.kind);
}

enum class Begun { no, yes };

struct AttemptOutcome {
  queue::AttemptId attempt = 0;
  Outcome outcome;
  Begun begun = Begun::yes;  // no: the worker never touched it, so it was certainly not sent and the
                             // dispatcher was not tried
  std::chrono::milliseconds waited{0};  // since it was begun
};

}  // namespace smsd
