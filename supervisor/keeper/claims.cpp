// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/claims.h"

#include <fmt/format.h>

#include <algorithm>

namespace smsd::keeper {
namespace {

using namespace std::chrono_literals;

// A backlog of four windows never lets the window run empty; a small window gets a few more. More would make
// SMS wait behind a worker instead of in the queue, from which another dispatcher could take them.
constexpr unsigned aheadForOne = 4, aheadAtLeast = 8;
// A worker keeps the deadline itself, and reports at most this much later.
constexpr Milliseconds margin = 3s;

}  // namespace

std::variant<Granted, std::string> grant(const Claim& claim, const config::Kind& kind, Milliseconds timeout) {
  if (claim.kind != kind.name)
    return fmt::format("the worker is of kind {}, smsd.yaml has {}",
                       claim.kind.empty() ? "(none)" : claim.kind, kind.name);
  if (claim.window < 1 || claim.window > kind.window || claim.backlog > kind.backlog)
    return fmt::format("a window beyond all bounds: {} + {}, expected at most {} + {} of kind {}",
                       claim.window, claim.backlog, kind.window, kind.backlog, kind.name);
  Granted granted{claim.window, std::min(claim.backlog, std::max(aheadForOne * claim.window, aheadAtLeast)),
                  0ms};
  if (claim.spacing > 0ms) {
    // No more SMS than can begin within one timeout.
    const auto most =
        static_cast<unsigned>(std::clamp<std::int64_t>(timeout / claim.spacing, 1, kind.window));
    granted.window = std::min(granted.window, most);
    granted.backlog = std::min(granted.backlog, most - granted.window);
  }
  const unsigned rounds = 1 + (granted.backlog + granted.window - 1) / granted.window;
  granted.beginWithin = (timeout + margin) * (claim.spacing > 0ms ? rounds + 1 : rounds);
  return granted;
}

}  // namespace smsd::keeper
