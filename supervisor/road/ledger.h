// The road's desk at the queue: one operation at a time, nothing forgotten while the database is away.
//
// Owns what has to become durable (settlements, next attempts), the lease, and the reconnecting. Called by
// the road on the supervisor's loop; the work is done on the queue thread. An operation that failed for want
// of a connection is repeated with a growing delay until it works: nothing is dropped. Never decides a fate,
// but for one case: what the database will not have as it is becomes held, so that it does not stand in the
// way of the others for ever.
#pragma once

#include <kj/async-io.h>

#include <optional>
#include <set>
#include <vector>

#include "supervisor/alarm.h"
#include "supervisor/config.h"
#include "supervisor/events.h"
#include "supervisor/keeper/backoff.h"
#include "supervisor/queue/queue-thread.h"
#include "supervisor/road/bell.h"

namespace smsd {

class LedgerEvents {
 public:
  virtual ~LedgerEvents() noexcept(false) = default;
  /// The desk is free: what should be claimed now? None: nothing.
  virtual kj::Maybe<queue::ClaimRequest> nextClaim() = 0;
  virtual void claimed(queue::ClaimResult result) = 0;
  virtual void adopted(std::vector<queue::Submission> submissions) = 0;
  virtual void recorded(std::vector<queue::NextAttempt> next, std::vector<queue::AttemptId> attempts) = 0;
  virtual void settled(const queue::SettleResult& result) = 0;
  /// What we held is not ours any more: another supervisor took over, or the queue's file was replaced.
  virtual void fenced(const queue::QueueError& why) = 0;
  /// After each call that worked: the queue may be back, a lease may hold again, the desk may be empty. And
  /// when the queue has just gone away.
  virtual void answered() = 0;
  /// Whether new messages wake us is known, or known to be otherwise now.
  virtual void bellChanged() = 0;
};

class Ledger final : private kj::TaskSet::ErrorHandler {
 public:
  Ledger(queue::QueueThread& queue, kj::Timer& timer, std::string name, Milliseconds lease,
         std::optional<Milliseconds> keepHistory, const Events& log, LedgerEvents& road);

  /// The first enlistment, before anything else is started. The error, if it did not work.
  kj::Promise<kj::Maybe<queue::QueueError>> enlist();
  /// Looks for something to do at the queue; harmless at any time.
  void work();
  void settle(queue::Settlement settlement) { unsettled_.push_back(std::move(settlement)); }
  void record(queue::NextAttempt next) { unrecorded_.push_back(std::move(next)); }
  /// Gives the lease back; for the end.
  kj::Promise<void> retire();

  bool empty() const {
    return unsettled_.empty() && settling_.empty() && unrecorded_.empty() && recording_.empty() && !busy_;
  }
  std::size_t unsettled() const { return unsettled_.size() + settling_.size(); }
  bool away() const { return !away_.empty(); }
  /// A call is not answered, and to cut its connection did not help: the queue's thread itself stands.
  bool lost() const { return lost_; }
  const std::string& awayBecause() const { return away_; }
  const Bell& bell() const { return bell_; }
  /// What is wrong with the queue although it works; empty: nothing.
  const std::string& strained() const { return strained_; }
  /// Our claims may have been taken over by now: nothing may leave.
  bool leaseRanOut() const;

 private:
  /// What a call that works says of a queue that was away. A renewal in its turn proves nothing of the call
  /// that failed.
  enum class Proves { itIsBack, nothing };

  struct Renewed {
    std::vector<queue::Submission> orphans;
    std::string strained;
    std::optional<queue::Duration> clockStep;
  };
  /// What could not be purged is no trouble of the queue's.
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
  /// The loop's clock stands still within a turn, and does not know that we were stopped (SIGSTOP, a
  /// suspended host) in the middle of one: a lease is measured by the kernel's as well.
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
  const Events& log_;
  LedgerEvents& road_;

  std::vector<queue::Settlement> unsettled_, settling_;  // settling_ is read by the queue thread while busy_
  std::vector<queue::NextAttempt> unrecorded_, recording_;  // likewise
  std::size_t oneByOne_ = 0;             // so many settlements go alone: one of them is not taken
  std::set<queue::SubmissionId> aside_;  // not taken as they were, tried as held
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
  int cuts_ = 0;         // calls in a row that were answered only by their connection's end
  bool cut_ = false;     // so was the one under way
  bool lost_ = false;
  int failures_ = 0;
  Alarm retry_;
  Alarm heartbeat_;
  Alarm silence_;
  Alarm purge_;
  Bell bell_;
  unsigned watches_ = 0;  // of the queue's descriptor, when the last call was answered
  Alarm bellTest_;
  kj::TaskSet tasks_;
};

}  // namespace smsd
