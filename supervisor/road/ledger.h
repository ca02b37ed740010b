// SPDX-License-Identifier: GPL-3.0-or-later
// The road's access to the queue: one operation at a time, and nothing is forgotten while the database is
// away.
//
// Owns everything that has to become durable (settlements, next attempts: unwritten.h), the lease (lease.h),
// the watch over a call that hangs (silence.h), and the reconnecting.
// Called by the road on the supervisor's loop; the queue thread does the work. An operation that fails
// because the connection is gone is repeated with a growing delay until it works: nothing is dropped. Never
// decides a fate, with one exception: a settlement that the database refuses becomes held, because otherwise
// it would block the others for ever.
//
// The class has more than 40 declarations: 14 are for the road, 9 are the operations on the queue and what
// follows from them, and 15 are objects, of which unwritten.h, purge-plan.h, lease.h, silence.h and
// bell-tests.h hold the rules.
#pragma once

#include <kj/async-io.h>

#include <optional>
#include <string>
#include <vector>

#include "common/kj/alarm.h"
#include "supervisor/config/config.h"
#include "supervisor/delivery/backoff.h"
#include "supervisor/events/events.h"
#include "supervisor/queue/queue-thread.h"
#include "supervisor/road/bell-tests.h"
#include "supervisor/road/call-meter.h"
#include "supervisor/road/lease.h"
#include "supervisor/road/purge-plan.h"
#include "supervisor/road/sign.h"
#include "supervisor/road/silence.h"
#include "supervisor/road/unwritten.h"

namespace smsd::road {

class LedgerEvents {
 public:
  virtual ~LedgerEvents() noexcept(false) = default;
  /// Called when the ledger is free. Returns what to claim now, or none.
  virtual kj::Maybe<queue::ClaimRequest> nextClaim() = 0;
  virtual void claimed(queue::ClaimResult result) = 0;
  /// Called after each take-over, also without a submission.
  virtual void adopted(std::vector<queue::Submission> submissions) = 0;
  virtual void recorded(std::vector<queue::NextAttempt> next, std::vector<queue::AttemptId> attempts) = 0;
  /// The database's clock was stepped: ahead, or (negative) back.
  virtual void clockStepped(Milliseconds step) = 0;
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
  /// `boot`: a clock that is never stepped and counts while the host sleeps.
  Ledger(queue::QueueThread& queue, kj::Timer& timer, const kj::MonotonicClock& boot, std::string name,
         Milliseconds lease, std::optional<Milliseconds> keepHistory, const events::EventLog& log,
         LedgerEvents& road);

  /// Enlists for the first time, before anything else is started. Resolves with the error if that failed.
  kj::Promise<kj::Maybe<queue::QueueError>> enlist();
  /// Starts the next operation, if there is one; harmless at any time.
  void work();
  void settle(queue::Settlement settlement) { unwritten_.settle(std::move(settlement)); }
  void record(queue::NextAttempt next) { unwritten_.record(std::move(next)); }
  /// Gives the lease back when smsd stops.
  kj::Promise<void> retire();

  bool empty() const { return unwritten_.empty() && !silence_.asking(); }
  std::size_t unsettled() const { return unwritten_.settlements(); }
  bool away() const { return away_.there(); }
  /// Whether a call still hangs long after its connection was cut, so that the queue thread itself must be
  /// stuck.
  bool lost() const { return silence_.lost(); }
  const std::string& awayBecause() const { return away_.words(); }
  /// Meaningful while away() is true.
  kj::Duration awayFor() const { return lasted(away_); }
  /// This supervisor's name in the queue.
  const std::string& name() const { return name_; }
  const queue::Bell& bell() const { return bellTests_.bell(); }
  /// A problem of the queue although it works; empty if there is none.
  const Sign& strained() const { return strained_; }
  const queue::SchemaVersions& schema() const { return schema_; }
  /// The sign that another program settles messages of the queue.
  const Sign& otherSettler() const { return otherSettler_; }
  kj::Duration lasted(const Sign& sign) const { return timer_.now() - sign.since(); }
  /// How long the bell has been in its present state.
  kj::Duration bellStateFor() const { return bellTests_.stateFor(); }
  const CallMeter& calls() const { return calls_; }
  /// Whether our claims may have been taken over by now. If so, nothing may leave.
  bool leaseRanOut() const;

 private:
  /// Whether a successful call means that the queue works again. A scheduled renewal does not, because it
  /// proves nothing about the call that failed.
  enum class Proves { itIsBack, nothing };

  template <typename T, typename F, typename Then>
  void ask(Call call, F function, Then then, Proves proves = Proves::itIsBack);
  void failed(const queue::QueueError& error);
  bool setAside(const queue::QueueError& error);
  void lookAtSilence();
  void saySilent();
  bool goesAway(std::string why);
  void purge();
  Lease::Moment moment() const;
  void renew(Proves proves);
  void strainedBy(std::string what);
  void sawSchema(const queue::SchemaVersions& seen);
  void settledByOther(std::string sign);
  void reenlist();
  bool settleNow();
  bool recordNow();
  bool claimNow();
  void taskFailed(kj::Exception&& exception) override;

  queue::QueueThread& queue_;
  kj::Timer& timer_;
  const kj::MonotonicClock& boot_;
  std::string name_;
  const events::EventLog& log_;
  LedgerEvents& road_;

  Unwritten unwritten_;
  PurgePlan purges_;
  Lease lease_;
  Silence silence_;
  BellTests bellTests_;
  bool retired_ = false;
  bool claimTurn_ = false;  // after a settlement a claim goes first, so that neither starves
  Sign away_, strained_, otherSettler_;
  queue::SchemaVersions schema_;
  kj::TimePoint otherSettlerAgain_ = kj::origin<kj::TimePoint>();  // the next entry while otherSettler_ lasts
  CallMeter calls_;
  int failures_ = 0;
  Alarm retry_;
  Alarm heartbeat_;
  Alarm silenceDue_;
  Alarm purgeDue_;
  kj::TaskSet tasks_;
};

}  // namespace smsd::road
