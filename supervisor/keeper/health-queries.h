// SPDX-License-Identifier: GPL-3.0-or-later
// Queries the present worker for its health, as often as health-watch.h says.
//
// Owns the timer and the query in progress. Called by the keeper, which decides what a report means. A worker
// that does not answer in time hangs, and is ended.
#pragma once

#include <kj/async.h>

#include "common/kj/alarm.h"
#include "supervisor/keeper/health-watch.h"
#include "supervisor/keeper/succession.h"

namespace smsd::keeper {

class HealthQueries final : private kj::TaskSet::ErrorHandler {
 public:
  class Events {
   public:
    virtual ~Events() noexcept(false) = default;
    /// Has to call reported().
    virtual void healthReported(const HealthReport& health) = 0;
    virtual Sick sick() const = 0;
    /// A query failed for a fault of ours.
    virtual void queryFailed(const std::string& why) = 0;
  };

  HealthQueries(kj::Timer& timer, Succession& workers, Events& keeper);

  const HealthWatch& watch() const { return watch_; }
  /// Queries the worker now.
  void queryNow() { due_.in(Milliseconds(0)); }
  void workerLives() { watch_.lives(now()); }
  void dispatched();
  /// Keeps a report and plans the next query.
  void reported(const HealthReport& health);
  void workerGone() { due_.cancel(); }
  /// The age of the last report; none: there is no report yet.
  kj::Maybe<kj::Duration> age() const;

 private:
  void query();
  Milliseconds now() const {
    return Milliseconds((timer_.now() - kj::origin<kj::TimePoint>()) / kj::MILLISECONDS);
  }
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  Succession& workers_;
  Events& keeper_;
  HealthWatch watch_;
  Alarm due_;
  kj::TaskSet tasks_;
};

}  // namespace smsd::keeper
