// SPDX-License-Identifier: GPL-3.0-or-later
// The connection to one worker process: one generation.
//
// Owns the link, the channel and the list of attempts in flight. Reports of the worker are hearsay: a report
// counts only for an attempt in flight with this very worker, `begun` has to come before an outcome, and each
// attempt has one outcome. Anything else breaks the contract and ends this worker. When the worker is gone,
// every attempt that was in flight has an outcome: `unknown` if it had begun, `deferred` if not. Never
// accesses the queue, never decides the meaning of an outcome.
//
// The class has more than 40 declarations: 10 implement Generation, and each message of the contract and each
// way in which a worker ends has a function and a member.
#pragma once

#include <kj/async-io.h>
#include <kj/function.h>
#include <proto/dispatcher.capnp.h>

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/rpc/channel.h"
#include "supervisor/config/config.h"
#include "supervisor/keeper/claims.h"
#include "supervisor/keeper/generation.h"
#include "supervisor/keeper/link.h"

namespace smsd::keeper {

class Worker final : public Generation, private kj::TaskSet::ErrorHandler {
 public:
  /// `kind`: from the entry of the dispatcher in smsd.yaml.
  Worker(kj::Own<Link> link, kj::Timer& timer, const config::Kind& kind, Milliseconds startTimeout,
         Milliseconds timeout, WorkerEvents& events);
  ~Worker() noexcept(false);

  int pid() const override { return link_->pid(); }
  std::size_t out() const override { return out_.size(); }
  void dispatch(const std::vector<const queue::Submission*>& batch) override;
  kj::Promise<std::vector<Recalled>> recall(const std::vector<queue::AttemptId>& attempts) override;
  kj::Promise<HealthReport> health() override;
  kj::Promise<void> drain() override;
  kj::Promise<void> quit() override;
  void end(const std::string& why) override;

 private:
  class Sink;
  using ReportContext =
      capnp::CallContext<proto::OutcomeSink::ReportParams, proto::OutcomeSink::ReportResults>;
  struct Out {
    delivery::Begun begun = delivery::Begun::no;
    kj::TimePoint since;  // since the hand-over, then since the begin
    bool withheld = false;
  };

  void introduce(Milliseconds startTimeout);
  void hearLastWords();
  void described(proto::Description::Reader said);
  kj::Promise<void> take(ReportContext context);
  bool takeOutcome(proto::Report::Reader report, std::vector<delivery::AttemptOutcome>& outcomes);
  bool takeBegun(queue::AttemptId attempt, std::vector<queue::AttemptId>& withheld);
  Milliseconds since(kj::TimePoint when) const {
    return Milliseconds((timer_.now() - when) / kj::MILLISECONDS);
  }
  void breach(const std::string& what);
  void watchDeadlines();
  void goneSoon();
  void gone();
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  const config::Kind kind_;
  Milliseconds timeout_;
  Milliseconds beginWithin_{0};
  WorkerEvents& events_;
  kj::Own<Link> link_;
  Sink* sink_ = nullptr;
  kj::Own<rpc::Channel> channel_;
  kj::Maybe<proto::Dispatcher::Client> client_;
  kj::Maybe<proto::OutcomeSink::Client> sinkClient_;
  std::unordered_map<queue::AttemptId, Out> out_;
  WorkerTraits traits_;
  kj::TimePoint lastHeard_;
  bool watching_ = false;
  bool gone_ = false;
  bool breached_ = false;
  bool ended_ = false;  // by us
  bool drained_ = false;
  bool declined_ = false;  // in the report being read
  std::string why_;        // why we ended it, if we did
  std::string exit_;
  std::string lookAt_;     // see LinkEnd
  std::string lastWords_;  // from the worker, before it ended by itself
  kj::TaskSet tasks_;
};

}  // namespace smsd::keeper
