// SPDX-License-Identifier: GPL-3.0-or-later
// An outcome of the kit as text, for the tables of the tests and for the fuzzer.
#pragma once

#include <string>
#include <type_traits>
#include <variant>

#include "workers/kit/dispatcher.h"

namespace smsd::test {

/// "accepted", "refused", "deferred", "broken" or "unknown".
inline std::string kindOf(const kit::Outcome& outcome) {
  constexpr const char* names[] = {"accepted", "refused", "deferred", "broken", "unknown"};
  return names[outcome.index()];
}

/// The reference of an accepted SMS, otherwise the reason.
inline std::string wordsOf(const kit::Outcome& outcome) {
  return std::visit(
      [](auto& o) -> std::string {
        if constexpr (requires { o.reason; })
          return o.reason;
        else
          return o.reference;
      },
      outcome);
}

/// Both, as "deferred: gateway is away". An accepted SMS without a reference is "accepted" alone.
inline std::string said(const kit::Outcome& outcome) {
  const std::string words = wordsOf(outcome);
  return kindOf(outcome) + (words.empty() ? "" : ": " + words);
}

}  // namespace smsd::test
