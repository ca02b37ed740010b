// SPDX-License-Identifier: GPL-3.0-or-later
// The outcome of an attempt as the supervisor keeps it: reported by the worker, then checked, cut and made
// printable. See Outcome in proto/dispatcher.capnp.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/outcome/outcome-kind.h"
#include "supervisor/queue/queue.h"

namespace smsd::delivery {

using outcome::name;
using outcome::OutcomeKind;
using outcome::Reached;
using outcome::Reply;

struct Outcome {
  OutcomeKind kind = OutcomeKind::unknown;
  std::string words;                   // the reason; if accepted, the reference
  std::chrono::milliseconds after{0};  // deferred: the wait that the gateway requested; 0: none given
  Reached reached = Reached::yes;      // deferred: `no` is no evidence about the recipient
  Reply reply = Reply::none;           // unknown: whether there was an answer

  bool notUnderstood() const { return kind == OutcomeKind::unknown && reply == Reply::notUnderstood; }
};

/// The name that the queue stores (queue::notUnderstood) and the journal shows.
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

}  // namespace smsd::delivery
