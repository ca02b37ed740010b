// SPDX-License-Identifier: GPL-3.0-or-later
// Decides how each SMS goes on: after its claim, an attempt, a round or a wait, and when a more severe
// message has come for its recipient.
//
// Called by the road with the events of the ledger and the keepers. Moves the SMS, and passes settlements to
// the ledger. The verdict interprets an outcome, and the end of a round has its own rules (round-end.h).
// Never hands an SMS over, and claims none.
//
// It has about 35 declarations: one function for each event in the life of an SMS, and one for each decision.
#pragma once

#include <kj/function.h>
#include <kj/timer.h>

#include <optional>
#include <string>
#include <vector>

#include "common/kj/alarm.h"
#include "supervisor/delivery/blame.h"
#include "supervisor/delivery/verdict.h"
#include "supervisor/events/sent-log.h"
#include "supervisor/road/dispatcher-set.h"
#include "supervisor/road/figures.h"
#include "supervisor/road/ledger.h"
#include "supervisor/road/meters.h"
#include "supervisor/road/sms-under-way.h"

namespace smsd::road {

class Judge {
 public:
  /// The objects that it reads and changes. They outlive it.
  struct Dependencies {
    kj::Timer& timer;
    const config::Config& config;
    const events::EventLog& log;
    const DispatcherSet& dispatchers;
    SmsUnderWay& sms;
    Ledger& ledger;
    Figures& figures;
    Meters& meters;
  };
  /// What it has the road do.
  struct Callbacks {
    kj::Function<void()> pump;                               // an SMS waits for room again
    kj::Function<void(kj::TimePoint)> lookAgain;             // a recipient may be claimed again then
    kj::Function<void(const std::string& why)> endByItself;  // retry.at_limit: shutdown
  };
  Judge(Dependencies dependencies, Callbacks callbacks);

  void claimed(std::vector<queue::Submission> submissions, const std::vector<queue::InTheWay>& inTheWay);
  /// SMS of an earlier smsd. Returns those to inquire about, by the place of their dispatcher.
  std::vector<std::vector<const queue::Submission*>> adopted(std::vector<queue::Submission> submissions);
  /// Their next attempts are durable.
  void recorded(const std::vector<queue::NextAttempt>& next, const std::vector<queue::AttemptId>& attempts);
  void reported(std::size_t dispatcher, const std::vector<delivery::AttemptOutcome>& outcomes);
  /// All usable dispatchers were tried, and the others are not worth waiting for.
  void nobodyTook(Item& item);
  /// Gives a pending SMS back to the queue, claimable at once. Its recipient keeps its count of rounds.
  void returnPending(Item& item, const std::string& why) {
    sms_.reconsider(item);
    returnUntried(item, why);
  }
  /// Starts the first round of those that wait for a round. `recipient` none: those of all recipients.
  /// Returns their number.
  std::size_t endWait(const std::optional<std::string>& recipient);
  /// Gives back all that is not with a worker, now and from now on.
  void stop();
  /// Logs the sent SMS that have no entry yet.
  void flush() { sentLog_.flush(); }
  /// Returns how many SMS were left at the stop although an attempt may have sent them.
  std::size_t leftUnknown() const { return leftUnknown_; }

 private:
  Item& enter(queue::Submission submission);
  void judge(Item& item, std::size_t dispatcher, const delivery::AttemptOutcome& said);
  delivery::Situation situation(const Item& item, std::size_t dispatcher,
                                const delivery::AttemptOutcome& said) const;
  void forsaken(Item& item);
  void giveWay(const queue::InTheWay& one);
  void waitOrGiveUp(Item& item, const delivery::Outcome& outcome);
  void waitForRoom(Item& item);
  void waitForRound(Item& item, Milliseconds wait);
  void wake(Item& item);
  void wakeDue();
  void settle(Item& item, queue::Fate fate, const delivery::Outcome& outcome,
              std::optional<Milliseconds> wait = std::nullopt);
  void giveBack(Item& item);
  void returnUntried(Item& item, const std::string& why);

  kj::Timer& timer_;
  const config::Config& config_;
  const events::EventLog& log_;
  const DispatcherSet& dispatchers_;
  SmsUnderWay& sms_;
  Ledger& ledger_;
  Figures& figures_;
  Meters& meters_;
  Callbacks callbacks_;
  events::SentLog sentLog_;
  std::vector<delivery::Streak> streaks_;  // by dispatcher
  Alarm wake_;                             // the wait for a round is over
  bool stopping_ = false;
  std::size_t leftUnknown_ = 0;
};

}  // namespace smsd::road
