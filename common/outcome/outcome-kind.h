// SPDX-License-Identifier: GPL-3.0-or-later
// The words of an outcome, once for the supervisor and all workers. Outcome in proto/dispatcher.capnp defines
// them.
#pragma once

#include <string_view>

namespace smsd::outcome {

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

/// Whether the gateway was reached. If not, the failure is no evidence about the recipient.
enum class Reached { no, yes };

/// The gateway's reply to an SMS that may have been sent.
enum class Reply {
  none,           // no reply, or a reply that leaves open whether the gateway took the SMS
  notUnderstood,  // a success, in a form that the dispatcher's configuration does not cover
};

}  // namespace smsd::outcome
