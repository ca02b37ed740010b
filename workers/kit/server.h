// SPDX-License-Identifier: GPL-3.0-or-later
// A worker's side of proto/dispatcher.capnp: windows, `begun`, deadlines, outcomes, recall, drain.
//
// Owns every SMS from dispatch() until the supervisor has taken its outcome. Called by the RPC system and by
// the promises of the kind's send(). Begins an SMS only after the supervisor has taken its `begun` report.
// The process gives up when a send() outlives its deadline, or when the kind resolves spent(): the server
// reports all outcomes, then `hung()` resolves and the process ends.
//
// The class has more than 40 declarations: 15 are calls of the contract and of RawReports, and the others
// move one SMS from dispatch() to its report. The rules of time, last words and reports are classes of their
// own.
#pragma once

#include <kj/async.h>
#include <kj/function.h>
#include <kj/timer.h>
#include <proto/dispatcher.capnp.h>

#include <deque>
#include <string>
#include <vector>

#include "workers/kit/deadlines.h"
#include "workers/kit/dispatcher.h"
#include "workers/kit/outbox.h"
#include "workers/kit/recall.h"
#include "workers/kit/server-last-words.h"
#include "workers/kit/spacing.h"

namespace smsd::kit {

class Server final : public proto::Dispatcher::Server, private RawReports, private kj::TaskSet::ErrorHandler {
 public:
  /// `started` resolves when the kind is ready. `lock` lists the parts of the inner lock that are in force.
  Server(Dispatcher& dispatcher, kj::Timer& timer, std::vector<std::string> lock, kj::Promise<void> started);

  /// Resolves when the kind is ready, fails when the kind cannot start.
  kj::Promise<void> started() { return started_.addBranch(); }
  /// Resolves when the worker has given up (a deadline passed, or the kind is spent) and the supervisor has
  /// taken all reports.
  kj::Promise<void> hung() { return kj::mv(hung_.promise); }

  /// Resolves when the supervisor has called quit() and no SMS is under way any more.
  kj::Promise<void> toldToQuit() { return kj::mv(quit_.promise); }

  /// Answers lastWords() with the reason why this process is about to end by itself. Only the first call
  /// counts.
  void sayLastWords(proto::Cause cause, const std::string& words);
  /// Resolves when the last words were sent, so that the process may end, and after `patience` at the latest,
  /// because no supervisor may have called lastWords().
  kj::Promise<void> lastWordsTaken(kj::Duration patience);

  /// Called for each accepted connection.
  void supervisorCame() { ++visits_; }
  /// Called when the connection has ended. SMS under way go on, and their outcomes are remembered. SMS not
  /// begun are never begun, and are remembered as notBegun. The next supervisor to connect may recall() both.
  void supervisorGone();
  /// Gives back all queued SMS and all that are handed over from now on. Resolves when none is under way any
  /// more.
  kj::Promise<void> finishUp();

  /// The figures in the status line that this process sends to systemd (socket mode).
  struct Work {
    std::size_t underWay = 0;
    std::uint64_t accepted = 0;  // since the process started
  };
  Work work() const { return {announced_.size() + deadlines_.size(), accepted_}; }
  std::string broken() const { return dispatcher_.condition().broken; }
  /// Returns false when the worker has given up or the kind is stuck, so that the watchdog may end this
  /// process.
  bool alive() const { return !givingUp_ && dispatcher_.alive(); }
  /// Returns an upper bound for the time until every SMS under way has its outcome.
  Milliseconds longestEnd() const { return deadlines_.longestEnd(); }
  /// Sets the function that is called when work() may have changed.
  void whenChanged(kj::Function<void()> changed) { changed_ = kj::mv(changed); }

 protected:
  kj::Promise<void> describe(DescribeContext context) override;
  kj::Promise<void> dispatch(DispatchContext context) override;
  kj::Promise<void> recall(RecallContext context) override;
  kj::Promise<void> health(HealthContext context) override;
  kj::Promise<void> drain(DrainContext context) override;
  kj::Promise<void> quit(QuitContext context) override;
  kj::Promise<void> lastWords(LastWordsContext context) override;

 private:
  void report(std::uint64_t attempt, Outcome outcome) override;
  void reportBegun(std::uint64_t attempt) override;
  void reportNotBegun(std::uint64_t attempt) override;
  void reportNothing() override;
  void admit();
  bool mayAdmit();
  void begin(Job job);
  void watch(kj::Maybe<kj::TimePoint> timer);
  void lookAtDeadlines(kj::TimePoint timer);
  void finish(std::uint64_t attempt, Outcome outcome);
  kj::Promise<void> idle();
  void giveBack(const std::deque<Job>& jobs);
  void giveUp(const std::string& why);
  void flushSoon();
  void flush();
  void reported(std::size_t begun, kj::FunctionParam<bool(const Job&)> may);
  void delivered();
  void taskFailed(kj::Exception&& exception) override;

  Dispatcher& dispatcher_;
  kj::Timer& timer_;
  std::vector<std::string> lock_;
  kj::ForkedPromise<void> started_;
  Traits traits_;

  Spacing spacing_;
  kj::Maybe<proto::OutcomeSink::Client> sink_;
  std::deque<Job> queue_;      // handed over, not begun
  std::deque<Job> announced_;  // `begun` is in outbox_ or on its way to the supervisor; in order
  Deadlines deadlines_;        // the SMS begun that have no outcome yet
  Outbox outbox_;
  bool flushing_ = false;
  unsigned connection_ = 0;  // number of the current connection; a late answer to an earlier one is ignored
  bool flushScheduled_ = false;
  bool givingUp_ = false;
  bool draining_ = false;  // takes no SMS until this connection ends
  bool closing_ = false;   // takes no SMS any more
  Recall recall_;
  std::uint64_t accepted_ = 0;
  kj::Function<void()> changed_ = []() {};
  unsigned visits_ = 0;

  LastWords lastWords_;
  kj::PromiseFulfillerPair<void> quit_ = kj::newPromiseAndFulfiller<void>();
  kj::PromiseFulfillerPair<void> hung_ = kj::newPromiseAndFulfiller<void>();
  std::vector<kj::Own<kj::PromiseFulfiller<void>>> drained_;
  kj::TaskSet tasks_;
};

}  // namespace smsd::kit
