// SPDX-License-Identifier: GPL-3.0-or-later
// Queries the present worker for attempts whose connection is gone, until each has an outcome (recall.h).
//
// Owns those attempts, the timer and the query in progress. Called by the keeper. A query is repeated while
// an attempt is in progress in a surviving worker, or while there is no worker. Without a worker that
// outlives its connection no worker can know an attempt.
#pragma once

#include <kj/async.h>

#include <vector>

#include "common/kj/alarm.h"
#include "supervisor/keeper/recall.h"
#include "supervisor/keeper/succession.h"

namespace smsd::keeper {

class RecallQueries {
 public:
  class Events {
   public:
    virtual ~Events() noexcept(false) = default;
    /// The worker has these outcomes, or no longer knows the attempts.
    virtual void attemptsFound(std::vector<delivery::AttemptOutcome> found) = 0;
    /// No worker can be queried for these attempts.
    virtual void attemptsLost(std::vector<delivery::AttemptOutcome> lost) = 0;
  };

  /// `config` may change later.
  RecallQueries(kj::Timer& timer, const config::DispatcherConfig& config, Succession& workers,
                Events& keeper);

  /// Finds the attempts of SMS that an earlier smsd had handed over; also called without any.
  void findFormer(const std::vector<const queue::Submission*>& former);
  /// Finds attempts whose connection was lost.
  void find(const std::vector<delivery::AttemptOutcome>& lost);
  /// Whether an attempt that was found is of an earlier smsd; forgets it.
  bool takeFormer(queue::AttemptId attempt) { return inquiry_.takeFormer(attempt); }
  void workerReady();
  void workerGone() { asking_ = nullptr; }
  /// How many attempts have no outcome yet.
  std::size_t size() const { return inquiry_.size(); }
  /// Every attempt of an earlier smsd is known, and has its outcome.
  bool complete() const { return toldOfFormer_ && inquiry_.empty(); }

 private:
  void query();
  Milliseconds now() const {
    return Milliseconds((timer_.now() - kj::origin<kj::TimePoint>()) / kj::MILLISECONDS);
  }
  Milliseconds giveUpAt() const { return now() + config_.timeout + config_.startTimeout; }

  kj::Timer& timer_;
  const config::DispatcherConfig& config_;
  Succession& workers_;
  Events& keeper_;
  Inquiry inquiry_;
  Alarm due_;
  bool toldOfFormer_ = false;
  kj::Promise<void> asking_ = nullptr;
};

}  // namespace smsd::keeper
