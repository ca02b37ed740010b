// SPDX-License-Identifier: GPL-3.0-or-later
// The five kinds of an outcome, once for the supervisor and all workers. Outcome in proto/dispatcher.capnp
// defines them.
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

}  // namespace smsd::outcome
