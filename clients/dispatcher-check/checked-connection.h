// SPDX-License-Identifier: GPL-3.0-or-later
// One connection to the program, with the check in the place of the supervisor.
//
// Owns the channel, which has the supervisor's bounds (common/rpc/worker-terms.h), the sink, and the
// ReportWatch that judges the reports. Used by the checks, one call after the other: each call waits on the
// event loop, and each wait has a bound. If the connection ends although the check did not end it, the call
// notes a fault (`messages` for bytes that are no message, else `stays-alive`) and throws Undecided.
//
// The class has more than 40 declarations: seven are calls of the contract, eight are ways to wait for a call
// or a report, and the state of the connection is a member each.
#pragma once

#include <kj/async-io.h>
#include <proto/dispatcher.capnp.h>

#include <functional>
#include <string>
#include <vector>

#include "clients/dispatcher-check/launch.h"
#include "clients/dispatcher-check/report-watch.h"
#include "common/rpc/channel.h"

namespace smsd::check {

/// The time of this run, for attempt ids and measurements.
class RunClock {
 public:
  explicit RunClock(kj::Timer& timer) : timer_(timer), start_(timer.now()) {}
  Milliseconds now() const { return Milliseconds((timer_.now() - start_) / kj::MILLISECONDS); }
  kj::Timer& timer() const { return timer_; }

 private:
  kj::Timer& timer_;
  kj::TimePoint start_;
};

/// How a call ended. `lost`: the connection ended.
enum class CallEnd { answered, failed, unimplemented, late, lost };

/// Returns how `call` ends, instead of its result or exception.
template <typename P>
kj::Promise<CallEnd> endOf(P&& call) {
  return call.then([](auto&&) { return CallEnd::answered; },
                   [](kj::Exception&& e) {
                     using Type = kj::Exception::Type;
                     if (e.getType() == Type::DISCONNECTED) return CallEnd::lost;
                     return e.getType() == Type::UNIMPLEMENTED ? CallEnd::unimplemented : CallEnd::failed;
                   });
}

struct Description {
  std::uint32_t version = 0, oldest = 0, window = 0, backlog = 0, visits = 0, spacing = 0;
  std::string kind, software;
};

/// The last words of the program, if it answered lastWords().
struct LastWord {
  proto::Cause cause;
  std::string words;
};

class CheckedConnection final : private kj::TaskSet::ErrorHandler {
 public:
  CheckedConnection(kj::WaitScope& scope, const RunClock& clock, const RunSettings& settings,
                    Findings& findings, Launch& launch);
  ~CheckedConnection() noexcept(false);
  KJ_DISALLOW_COPY(CheckedConnection);

  /// The bounds of one call and of one pause.
  static constexpr Milliseconds answerWithin{5000}, leavesWithin{5000}, quiet{200}, hold{300};

  /// Requires an answer within `start_timeout`, as the supervisor does. `check`: the check that an end of the
  /// program is a fault of.
  const Description& describe(std::string_view check = "stays-alive");
  /// Returns whether describe() is answered within `bound`, and notes no fault.
  bool answersDescribe(Milliseconds bound);
  CallEnd health(proto::Health::Which& which, std::string& broken);
  /// Hands over SMS, all with the same answer to `begun`. Returns how the call ended.
  CallEnd dispatch(const std::vector<AttemptId>& attempts, BegunAnswer leave, Milliseconds deadline);
  CallEnd dispatchOverfull(const std::vector<AttemptId>& attempts);
  /// Returns the reports of recall(). Throws Undecided, with a fault of `recall`, if there is no answer.
  std::vector<std::pair<AttemptId, proto::Report::Which>> recall(const std::vector<AttemptId>& attempts,
                                                                 std::vector<Reported>& outcomes);
  /// The promise resolves when drain() has returned.
  kj::Promise<CallEnd> drain();
  CallEnd quit();
  /// Answers the reports that were held.
  void release();

  /// Waits until `condition` holds. Returns false if it does not within `bound`.
  bool until(const std::function<bool()>& condition, Milliseconds bound);
  /// As until(), but returns false as well when the connection ends, and notes no fault.
  bool untilOrEnd(const std::function<bool()>& condition, Milliseconds bound);
  /// Waits until each SMS has ended. Throws Undecided, with faults, if one does not.
  void awaitEnds();
  /// Waits a moment for reports that must not come.
  void rest() {
    until([]() { return false; }, quiet);
  }
  /// Waits for a call, `bound` at most. `check`: see describe().
  CallEnd settle(kj::Promise<CallEnd> call, Milliseconds bound, std::string_view check = "stays-alive");

  /// Closes the connection, as a supervisor that dies.
  void close();
  /// Returns true as well after close().
  bool ended() const { return ended_ || closing_; }
  /// Sends bytes that are no message.
  void sendGarbage();
  const kj::Maybe<LastWord>& lastWord() const { return lastWord_; }
  /// Waits until the call of lastWords() has ended. The end of the connection may be seen before its answer.
  void awaitLastWords();
  /// Returns whether the program answers UNIMPLEMENTED to lastWords().
  bool hasNoLastWords() const { return noLastWords_; }
  proto::Dispatcher::Client& client() { return client_; }
  proto::OutcomeSink::Client& sink() { return sinkClient_; }
  /// Records SMS that a caller hands over by client().
  void expect(AttemptId attempt, BegunAnswer leave, Milliseconds deadline);
  ReportWatch& watch() { return watch_; }
  const RunClock& clock() const { return clock_; }
  std::string textFor(AttemptId attempt) const;
  [[noreturn]] void lost(std::string_view check);

 private:
  class Sink;
  using ReportContext =
      capnp::CallContext<proto::OutcomeSink::ReportParams, proto::OutcomeSink::ReportResults>;
  kj::Promise<void> take(ReportContext context);
  void answer(ReportContext context, const std::vector<AttemptId>& begun);
  void takeEnds(capnp::List<proto::Report>::Reader reports);
  void hearLastWords();
  void nextChange(Milliseconds end);
  void changed();
  void taskFailed(kj::Exception&&) override {}  // the connection has ended: `gone` handles it
  kj::Promise<CallEnd> startDispatch(const std::vector<AttemptId>& attempts, Milliseconds deadline);

  kj::WaitScope& scope_;
  const RunClock& clock_;
  const RunSettings& settings_;
  Findings& findings_;
  Launch& launch_;
  ReportWatch watch_;
  kj::AutoCloseFd raw_;
  kj::Own<rpc::Channel> channel_;
  Sink* sink_;
  proto::OutcomeSink::Client sinkClient_;
  proto::Dispatcher::Client client_;
  Description description_;
  bool described_ = false;
  bool ended_ = false;
  bool closing_ = false;
  kj::Maybe<LastWord> lastWord_;
  bool noLastWords_ = false, lastWordsOver_ = false;
  kj::Maybe<std::string> breach_;
  kj::PromiseFulfillerPair<void> released_ = kj::newPromiseAndFulfiller<void>();
  kj::ForkedPromise<void> release_ = released_.promise.fork();
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> changed_;
  kj::Own<kj::TaskSet> events_;
};

/// Reads an outcome as it was sent; texts are printable and bounded.
Reported readReported(proto::Outcome::Reader outcome);

}  // namespace smsd::check
