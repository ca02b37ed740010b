// A worker's side of proto/dispatcher.capnp: windows, `begun`, deadlines, outcomes, recall, drain.
//
// Owns every SMS from dispatch() until its outcome was taken by the supervisor. Called by the RPC system and
// by the promises of the kind's send(). Never begins an SMS before the supervisor knows that it will. A
// send() that outlives its deadline makes this process useless, and a kind may say so itself (spent()): what
// is known is reported, then `hung()` resolves and the process ends.
#pragma once

#include <kj/async.h>
#include <kj/function.h>
#include <kj/timer.h>
#include <proto/dispatcher.capnp.h>

#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "workers/kit/dispatcher.h"
#include "workers/kit/recall.h"

namespace smsd::kit {

class Server final : public proto::Dispatcher::Server, private RawReports, private kj::TaskSet::ErrorHandler {
 public:
  /// `started` resolves when the kind is ready. What `lock` lists is in force.
  Server(Dispatcher& dispatcher, kj::Timer& timer, std::vector<std::string> lock, kj::Promise<void> started);

  /// Resolves when the kind is ready, fails when it cannot be.
  kj::Promise<void> started() { return started_.addBranch(); }
  /// Resolves when a deadline was passed and all that is known was reported.
  kj::Promise<void> hung() { return kj::mv(hung_.promise); }

  /// Resolves when the process was told to quit, and nothing is under way any more.
  kj::Promise<void> toldToQuit() { return kj::mv(quit_.promise); }

  /// This process is about to end by itself: the supervisor is told why. Only the first reason counts.
  void sayLastWords(proto::Cause cause, const std::string& words);
  /// Resolves when the last words are on their way: the process may end. At most after `patience`, where no
  /// supervisor asks for them.
  kj::Promise<void> lastWordsTaken(kj::Duration patience);

  /// A supervisor was let in.
  void supervisorCame() { ++visits_; }
  /// The connection ended. What is under way goes on and is remembered; what was not begun never will be, and
  /// is remembered as deferred. The next supervisor to connect may ask.
  void supervisorGone();
  /// Takes nothing further; resolves when nothing is under way any more.
  kj::Promise<void> finishUp();

  /// What systemd is told of this process (socket mode).
  struct Work {
    std::size_t underWay = 0;
    std::uint64_t accepted = 0;  // since the process started
  };
  Work work() const { return {announced_.size() + active_.size(), accepted_}; }
  std::string broken() const { return dispatcher_.condition().broken; }
  /// False: a deadline was passed, or the kind is stuck. Then this process is better ended.
  bool alive() const { return !givingUp_ && dispatcher_.alive(); }
  /// Until everything that is here has its outcome, at the most.
  Milliseconds longestEnd() const;
  /// Called when work() may be another.
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
  enum class What { begun, outcome, notBegun };
  enum class Source { kit, raw };  // raw: nobody waits for it, and it is not cut
  struct Reported {
    std::uint64_t attempt;
    What what;
    Outcome outcome;  // of What::outcome
    Source source = Source::kit;
  };

  void report(std::uint64_t attempt, Outcome outcome) override;
  void reportBegun(std::uint64_t attempt) override;
  void reportNotBegun(std::uint64_t attempt) override;
  void reportNothing() override;
  void admit();
  bool mayAdmit();
  void begin(Job job);
  void watch(kj::TimePoint due);
  void lookAtDeadlines();
  void finish(std::uint64_t attempt, Outcome outcome);
  kj::Promise<void> idle();
  void giveBack(std::deque<Job> jobs);
  void giveUp(const std::string& why);
  void flushSoon();
  void flush();
  void delivered();
  void taskFailed(kj::Exception&& exception) override;

  Dispatcher& dispatcher_;
  kj::Timer& timer_;
  std::vector<std::string> lock_;
  kj::ForkedPromise<void> started_;
  Traits traits_;

  kj::TimePoint next_;    // when the spacing allows another SMS
  bool waiting_ = false;  // for that

  kj::Maybe<proto::OutcomeSink::Client> sink_;
  std::deque<Job> queue_;      // handed over, not begun
  std::deque<Job> announced_;  // `begun` is on its way to the supervisor, or in the outbox; in that order
  struct Active {
    unsigned connection;  // that handed it over
    kj::TimePoint due;    // when an outcome has to be there
  };
  std::unordered_map<std::uint64_t, Active> active_;  // begun, no outcome yet
  kj::TimePoint look_ = kj::origin<kj::TimePoint>();  // when a deadline may be over
  bool watching_ = false;                             // a timer runs for that
  std::vector<Reported> outbox_;
  bool flushing_ = false;
  unsigned connection_ = 0;  // which one a report was sent on
  bool flushScheduled_ = false;
  bool givingUp_ = false;
  bool draining_ = false;  // until this connection ends
  bool closing_ = false;   // for good
  Recall recall_;
  std::uint64_t accepted_ = 0;
  Milliseconds longestDeadline_{0};  // of all that was ever handed over
  kj::Function<void()> changed_ = []() {};
  unsigned visits_ = 0;

  struct LastWords {
    proto::Cause cause = proto::Cause::OTHER;
    std::string words;
  };
  kj::Maybe<LastWords> lastWords_;
  std::vector<kj::Own<kj::PromiseFulfiller<void>>> listeners_;  // who asked for them
  kj::PromiseFulfillerPair<void> heardOut_ = kj::newPromiseAndFulfiller<void>();
  kj::ForkedPromise<void> taken_ = heardOut_.promise.fork();
  kj::PromiseFulfillerPair<void> quit_ = kj::newPromiseAndFulfiller<void>();
  kj::PromiseFulfillerPair<void> hung_ = kj::newPromiseAndFulfiller<void>();
  std::vector<kj::Own<kj::PromiseFulfiller<void>>> drained_;
  kj::TaskSet tasks_;
};

}  // namespace smsd::kit
