// SPDX-License-Identifier: GPL-3.0-or-later
// The road's access to the queue: one operation at a time, and nothing is forgotten while the database is
// away.
//
// Owns everything that has to become durable (settlements, next attempts), the lease, and the reconnecting.
// Called by the road on the supervisor's loop; the queue thread does the work. An operation that fails
// because the connection is gone is repeated with a growing delay until it works: nothing is dropped. Never
// decides a fate, with one exception: a settlement that the database refuses becomes held, because otherwise
// it would block the others for ever.
#pragma once

#include <kj/async-io.h>

#include <optional>
#include <set>
#include <vector>

#include "common/kj/alarm.h"
#include "supervisor/config/config.h"
#include "supervisor/delivery/backoff.h"
#include "supervisor/events/events.h"
#include "supervisor/queue/bell.h"
#include "supervisor/queue/queue-thread.h"

namespace smsd::road {

class LedgerEvents {
 public:
  virtual ~LedgerEvents() noexcept(false) = default;
  /// Called when the ledger is free. Returns what to claim now, or none.
  virtual kj::Maybe<queue::ClaimRequest> nextClaim() = 0;
  virtual void claimed(queue::ClaimResult result) = 0;
  virtual void adopted(std::vector<queue::Submission> submissions) = 0;
  virtual void recorded(std::vector<queue::NextAttempt> next, std::vector<queue::AttemptId> attempts) = 0;
  virtual void settled(const queue::SettleResult& result) = 0;
  /// This supervisor has lost its submissions: another supervisor took over, or the queue's file was
  /// replaced.
  virtual void fenced(const queue::QueueError& why) = 0;
  /// Called after each call that worked, because the queue may be back, a lease may hold again, or the ledger
  /// may be empty. Also called when the queue has just gone away.
  virtual void answered() = 0;
  /// The bell is in another state. Not called for the expected change from `untested` to `heard`.
  virtual void bellChanged() = 0;
};

class Ledger final : private kj::TaskSet::ErrorHandler {
 public:
  Ledger(queue::QueueThread& queue, kj::Timer& timer, std::string name, Milliseconds lease,
         std::optional<Milliseconds> keepHistory, const events::Events& log, LedgerEvents& road);

  /// Enlists for the first time, before anything else is started. Resolves with the error if that failed.
  kj::Promise<kj::Maybe<queue::QueueError>> enlist();
  /// Starts the next operation, if there is one; harmless at any time.
  void work();
  void settle(queue::Settlement settlement) { unsettled_.push_back(std::move(settlement)); }
  void record(queue::NextAttempt next) { unrecorded_.push_back(std::move(next)); }
  /// Gives the lease back when smsd stops.
  kj::Promise<void> retire();

  bool empty() const {
    return unsettled_.empty() && settling_.empty() && unrecorded_.empty() && recording_.empty() && !busy_;
  }
  std::size_t unsettled() const { return unsettled_.size() + settling_.size(); }
  bool away() const { return !away_.empty(); }
  /// Whether a call still hangs long after its connection was cut, so that the queue thread itself must be
  /// stuck.
  bool lost() const { return lost_; }
  const std::string& awayBecause() const { return away_; }
  const queue::Bell& bell() const { return bell_; }
  /// A problem of the queue although it works; empty if there is none.
  const std::string& strained() const { return strained_; }
  /// Whether our claims may have been taken over by now. If so, nothing may leave.
  bool leaseRanOut() const;

 private:
  /// Whether a successful call means that the queue works again. A scheduled renewal does not, because it
  /// proves nothing about the call that failed.
  enum class Proves { itIsBack, nothing };

  struct Renewed {
    std::vector<queue::Submission> orphans;
    std::string strained;
    std::optional<queue::Duration> clockStep;
  };
  /// A refused purge is kept apart, because it is no sign that the queue is in trouble.
  struct Purged {
    queue::Purge left = queue::Purge::done;
    std::string refused;
  };

  template <typename T, typename F, typename Then>
  void ask(F function, Then then, Proves proves = Proves::itIsBack);
  void failed(const queue::QueueError& error);
  bool setAside(const queue::QueueError& error);
  void listen();
  void saySilent();
  void answered();
  void purge();
  void testBell();
  void bellTested(const queue::Answer<queue::BellTest>& answer);
  /// The loop's clock stands still within a turn and does not notice that the process was stopped in the
  /// middle of one (SIGSTOP, a suspended host). Therefore a lease is measured by the kernel's clock as well.
  struct Moment {
    kj::TimePoint loop;
    Milliseconds boot;
  };
  Moment moment() const;
  Milliseconds sinceStart() const;
  void leaseStartedAt(Moment asked);
  void renew(Proves proves);
  void strainedBy(std::string what);
  void reenlist();
  bool settleNow();
  bool recordNow();
  bool claimNow();
  void taskFailed(kj::Exception&& exception) override;

  queue::QueueThread& queue_;
  kj::Timer& timer_;
  std::string name_;
  Milliseconds lease_;
  const events::Events& log_;
  LedgerEvents& road_;

  std::vector<queue::Settlement> unsettled_, settling_;     // the queue thread reads settling_ while busy_
  std::vector<queue::NextAttempt> unrecorded_, recording_;  // likewise
  std::size_t oneByOne_ = 0;             // settlements to send one by one, because one of them is refused
  std::set<queue::SubmissionId> aside_;  // refused as they were, tried as held
  bool busy_ = false;
  kj::TimePoint askedAt_;
  std::optional<Milliseconds> keepHistory_;
  kj::TimePoint purgeAt_;
  bool enlisted_ = false;
  bool retired_ = false;
  bool claimTurn_ = false;  // after a settlement a claim goes first, so that neither starves
  kj::TimePoint leaseUntil_;
  Milliseconds leaseUntilBoot_;
  kj::TimePoint renewAt_;
  std::string away_;
  std::string strained_;
  bool silent_ = false;  // away because a call is not answered
  int cuts_ = 0;         // calls in a row that ended only when their connection was cut
  bool cut_ = false;     // whether the connection of the current call was cut
  bool lost_ = false;
  int failures_ = 0;
  Alarm retry_;
  Alarm heartbeat_;
  Alarm silence_;
  Alarm purge_;
  queue::Bell bell_;
  unsigned watches_ = 0;  // queue_.watches() when the last call was answered
  Alarm bellTest_;
  kj::TaskSet tasks_;
};

}  // namespace smsd::road
