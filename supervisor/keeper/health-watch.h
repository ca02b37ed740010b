// SPDX-License-Identifier: GPL-3.0-or-later
// When to query a worker for its health, and its last report. Pure: the caller passes the time.
//
// Owns the last report and the time of the next query. A hung worker with SMS in flight has to be found soon,
// and a dispatcher that works again has to be used soon. Otherwise the query must not wake up an idle host.
// Called by the keeper, which queries the worker.
#pragma once

#include <kj/debug.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "supervisor/keeper/dispatcher-state.h"
#include "supervisor/keeper/generation.h"

namespace smsd::keeper {

class HealthWatch {
 public:
  using Time = std::chrono::milliseconds;  // since any fixed moment

  static constexpr Time whileBusy = std::chrono::seconds(5), whileBroken = std::chrono::seconds(15),
                        whileIdle = std::chrono::seconds(60);

  /// The last report; empty before the first.
  const HealthReport& last() const { return last_; }
  /// When last() came in; none: there is no report yet.
  std::optional<Time> lastAt() const { return lastAt_; }
  /// When the next query is due.
  Time dueAt() const { return dueAt_; }

  /// The worker has become ready or reported outcomes, so that it lives.
  void lives(Time now) { livedAt_ = now; }
  /// SMS were handed over, so that the next query is due within `whileBusy`.
  void dispatched(Time now) { dueAt_ = std::min(dueAt_, now + whileBusy); }
  /// A report came in. next() has to follow.
  void reported(HealthReport report, Time now) {
    last_ = std::move(report);
    lastAt_ = now;
  }
  /// Plans the query after a report, and returns how long it is until then. `out`: SMS in flight.
  Time next(Time now, Sick sick, std::size_t out) {
    KJ_REQUIRE(lastAt_.has_value(), "a query was planned after no report");
    const Time wait = sick == Sick::byHealth ? whileBroken : out > 0 ? whileBusy : whileIdle;
    dueAt_ = now + wait;
    return wait;
  }

  /// Called when a query is due. Returns none if the worker is to be queried now, otherwise how long it is
  /// until the next look: outcomes that come in prove that the worker lives, so that a busy one is queried
  /// only every `whileIdle`.
  std::optional<Time> putsOff(Time now, Sick sick, std::size_t out) {
    const bool proven = sick == Sick::no && out > 0 && now - livedAt_ < whileBusy;
    if (!proven || now - queriedAt_ >= whileIdle) {
      queriedAt_ = now;
      return std::nullopt;
    }
    dueAt_ = now + whileBusy;
    return whileBusy;
  }

 private:
  HealthReport last_;
  std::optional<Time> lastAt_;
  Time dueAt_{0};
  Time livedAt_{0};
  Time queriedAt_{0};
};

}  // namespace smsd::keeper
