// SPDX-License-Identifier: GPL-3.0-or-later
// The road of an SMS: claimed, handed to a dispatcher, judged, settled.
//
// Owns every submission that this supervisor holds, from the claim until its settlement is with the ledger.
// Called by the ledger (claims, durable attempts), by the keepers (outcomes of attempts), by the control
// server and by the daemon. Passes each event to the class that decides, and carries the decisions out. The
// classes, in the order in which an SMS meets them: Claimer (what is claimed, and when), SmsUnderWay (the SMS
// and their stages), Allotment (which dispatcher takes which SMS), Judge (how an SMS goes on). Beside them:
// DispatcherSet, StartDecision, StallWatch, OutageWatch and Figures.
//
// It has about 60 declarations, because it is where everything meets: 12 implement the interfaces of ledger
// and keepers, 19 are the objects, and of the public ones half only give access to an object.
#pragma once

#include <kj/async-io.h>

#include <memory>
#include <vector>

#include "common/kj/alarm.h"
#include "supervisor/keeper/keeper.h"
#include "supervisor/road/allotment.h"
#include "supervisor/road/claimer.h"
#include "supervisor/road/dispatcher-set.h"
#include "supervisor/road/figures.h"
#include "supervisor/road/judge.h"
#include "supervisor/road/ledger.h"
#include "supervisor/road/meters.h"
#include "supervisor/road/outage-watch.h"
#include "supervisor/road/paced-log.h"
#include "supervisor/road/sms-under-way.h"
#include "supervisor/road/stall-watch.h"
#include "supervisor/road/start-decision.h"
#include "supervisor/road/test-sms.h"
#include "supervisor/road/turns.h"

namespace smsd::road {

class Road final : public keeper::DispatcherEvents, private LedgerEvents {
 public:
  Road(queue::QueueThread& queue, kj::Timer& timer, const kj::MonotonicClock& boot,
       const config::Config& config, std::string name, const events::EventLog& log);

  /// Applies a reload: `config` holds from now on, also for SMS in progress. `added` holds the keepers of the
  /// dispatchers that are new in it, which the caller starts.
  void replace(config::Config config, Keepers added);
  const config::Config& config() const { return config_; }
  kj::Promise<kj::Maybe<queue::QueueError>> enlist() { return ledger_.enlist(); }
  void start();
  /// Called when the queue may have something new.
  void notice();
  /// Stops claiming, lets SMS in progress finish, and gives the rest back. Resolves with the number of SMS
  /// left unknown.
  kj::Promise<std::size_t> stop();
  /// Resolves when the daemon has to end by itself (retry.at_limit: shutdown, retry.all_broken: shutdown).
  kj::Promise<void> limitReached() { return kj::mv(limit_.promise); }

  /// `changed` is called when anything in the status line may have changed: a dispatcher's state, SMS in
  /// progress, the number sent.
  void whenChanged(kj::Function<void()> changed) { changed_ = kj::mv(changed); }

  /// `came` is called with the numbers of heartbeats for which a claim saw messages, and left them alone.
  void whenLeftOut(kj::Function<void(const std::vector<std::string>&)> came) { leftOut_ = kj::mv(came); }

  /// Gives the lease back, after stop().
  kj::Promise<void> retire() { return ledger_.retire(); }

  /// Returns false if something that should move does not, and acting on it did not help. systemd's watchdog
  /// is notified only while this is true.
  bool alive() const { return !stall_.lost() && !ledger_.lost(); }
  /// Returns how long the present outage of all dispatchers has lasted; none: there is no outage.
  kj::Maybe<kj::Duration> withoutDispatcherFor() const { return outage_.lastedFor(timer_.now()); }

  /// Its use() is called before start(). Later, replace() changes the set.
  DispatcherSet& dispatchers() { return dispatchers_; }
  const DispatcherSet& dispatchers() const { return dispatchers_; }
  TestSms& testSms() { return testSms_; }
  /// Carries out an operator's command: SMS that may have been sent and wait for their next round start their
  /// first round now. `recipient` none: those of all recipients. Returns their number.
  std::size_t endWait(const std::optional<std::string>& recipient);
  const Ledger& ledger() const { return ledger_; }
  std::size_t underWay() const { return sms_.size(); }
  const Figures& figures() const { return figures_; }
  const Meters& meters() const { return meters_; }

  void dispatcherReported(std::size_t dispatcher, std::vector<delivery::AttemptOutcome> outcomes) override;
  void dispatcherChanged(std::size_t dispatcher) override;
  bool mayBegin() const override { return !ledger_.leaseRanOut(); }

 private:
  kj::Maybe<queue::ClaimRequest> nextClaim() override;
  void claimed(queue::ClaimResult result) override;
  void adopted(std::vector<queue::Submission> submissions) override;
  void recorded(std::vector<queue::NextAttempt> next, std::vector<queue::AttemptId> attempts) override;
  void clockStepped(Milliseconds step) override;
  void settled(const queue::SettleResult& result) override;
  void fenced(const queue::QueueError& error) override;
  void answered() override;
  void bellChanged() override;

  void pump();
  void dispatchPending();
  void giveBackPending(const Allotment& turn);
  void handOver(const std::vector<Item*>& items, std::size_t place);
  void record(Item& item, std::size_t place);

  void endByItself(const std::string& why);

  Progress::Owed owed() const;
  void unstick();
  void watchDispatchers();

  bool stopping() const { return stopped_ != nullptr; }
  void finishIfStopped();
  void finish();

  kj::Timer& timer_;
  config::Config config_;
  const events::EventLog& log_;
  DispatcherSet dispatchers_;
  TestSms testSms_;
  Ledger ledger_;
  SmsUnderWay sms_;
  Turns turns_;
  StartDecision start_;
  Claimer claimer_;
  OutageWatch outage_;
  StallWatch stall_;
  Figures figures_;
  Meters meters_;
  PacedLog pacedLog_;
  Judge judge_;
  kj::Function<void()> changed_ = []() {};
  kj::Function<void(const std::vector<std::string>&)> leftOut_ = [](const std::vector<std::string>&) {};
  bool ending_ = false;
  kj::Promise<void> drains_ = nullptr;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<std::size_t>>> stopped_;
  kj::PromiseFulfillerPair<void> limit_ = kj::newPromiseAndFulfiller<void>();
};

}  // namespace smsd::road
