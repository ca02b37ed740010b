// SPDX-License-Identifier: GPL-3.0-or-later
// A worker whose words quote no SMS: passes each call on to it, and each report of it on to the keeper,
// without the recipients and texts that a reason, a reference, a detail or last words repeat.
//
// The one place for workers of all kinds. Created by Succession around each generation. `given` outlives it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "supervisor/keeper/generation.h"
#include "supervisor/keeper/given-sms.h"

namespace smsd::keeper {

class Discretion final : public Generation, private WorkerEvents {
 public:
  /// What the words of a worker say when it has not been given an SMS by this smsd.
  enum class Details {
    shown,   // a worker of smsd's own has no SMS in its details
    hidden,  // another one whose process served an earlier smsd may have one of that
  };
  Discretion(Hire& hire, GivenSms& given, Details ofFormer, WorkerEvents& events);

  int pid() const override { return worker_->pid(); }
  std::size_t out() const override { return worker_->out(); }
  void dispatch(const std::vector<const queue::Submission*>& batch) override;
  kj::Promise<std::vector<Recalled>> recall(const std::vector<queue::AttemptId>& attempts) override;
  kj::Promise<HealthReport> health() override;
  kj::Promise<void> drain() override { return worker_->drain(); }
  kj::Promise<void> quit() override { return worker_->quit(); }
  void end(const std::string& why) override { worker_->end(why); }

 private:
  void workerReady(const WorkerTraits& traits, const HealthReport& health) override;
  void workerReported(std::vector<delivery::AttemptOutcome> outcomes) override;
  void workerDeclined() override { events_.workerDeclined(); }
  Leave mayBegin(queue::AttemptId attempt) const override { return events_.mayBegin(attempt); }
  void workerBegan(const std::vector<queue::AttemptId>& attempts) override { events_.workerBegan(attempts); }
  void workerEnds(Cause cause) override { events_.workerEnds(cause); }
  void workerStays() override { events_.workerStays(); }
  void workerGone(const std::string& why, std::vector<delivery::AttemptOutcome> lost,
                  Conduct conduct) override;

  /// Words as they were reported together, with what is shown of them.
  using Shown = std::map<std::string, std::string>;
  const std::string& withoutQuotations(const std::string& words, Shown& shown) const;
  void discreet(queue::AttemptId attempt, delivery::Outcome& outcome, Shown& shown) const;
  HealthReport discreet(HealthReport health) const;

  GivenSms& given_;
  Details ofFormer_;
  WorkerEvents& events_;
  unsigned visits_ = 0;
  kj::Own<Generation> worker_;
};

}  // namespace smsd::keeper
