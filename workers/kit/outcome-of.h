// SPDX-License-Identifier: GPL-3.0-or-later
// An outcome from its kind and its words: the one conversion for tables and rules that name kinds.
#pragma once

#include <string>
#include <utility>

#include "common/outcome/outcome-kind.h"
#include "workers/kit/dispatcher.h"

namespace smsd::kit {

/// `words`: the reference if accepted, otherwise the reason. `after`: with deferred only.
inline Outcome outcomeOf(outcome::OutcomeKind kind, std::string words, Milliseconds after = Milliseconds(0)) {
  switch (kind) {
    case outcome::OutcomeKind::accepted:
      return Accepted{std::move(words)};
    case outcome::OutcomeKind::refused:
      return Refused{std::move(words)};
    case outcome::OutcomeKind::deferred:
      return Deferred{std::move(words), after};
    case outcome::OutcomeKind::broken:
      return Broken{std::move(words)};
    case outcome::OutcomeKind::unknown:
      break;
  }
  return Unknown{std::move(words)};
}

}  // namespace smsd::kit
