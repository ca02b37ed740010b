// SPDX-License-Identifier: GPL-3.0-or-later
// A worker's process for the tests of the connection to it: the other end of a real connection, in this
// process, that reports what the test writes, and the keeper's side of the reports.
#pragma once

#include <capnp/any.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "supervisor/keeper/worker.h"

namespace smsd::keeper {

using namespace std::chrono_literals;
using Reports = capnp::List<proto::Report>::Builder;

/// The other end, in this process: answers as it is told and reports what the test writes.
class FakeProgram final : public proto::Dispatcher::Server {
 public:
  struct Says {
    std::string broken;
    std::string kind = "http";
    unsigned window = 4;
    bool silent = false;  // does not answer health
    std::function<void(proto::Health::Builder)> write;
    std::string lastWords;  // empty: none
    proto::Cause cause = proto::Cause::OTHER;
  };
  explicit FakeProgram(Says& says, kj::Maybe<proto::OutcomeSink::Client>& sink) : says_(says), sink_(sink) {}

 protected:
  kj::Promise<void> describe(DescribeContext context) override {
    auto description = context.getResults().initDescription();
    description.setVersion(proto::VERSION);
    description.setKind(says_.kind.c_str());
    description.setWindow(says_.window);
    return kj::READY_NOW;
  }
  kj::Promise<void> health(HealthContext context) override {
    if (says_.silent) return kj::NEVER_DONE;
    auto health = context.getResults().initHealth();
    if (says_.broken.empty())
      health.setReady();
    else
      health.setBroken(says_.broken.c_str());
    if (says_.write) says_.write(health);
    return kj::READY_NOW;
  }
  kj::Promise<void> lastWords(LastWordsContext context) override {
    if (says_.lastWords.empty()) return kj::NEVER_DONE;
    context.getResults().setWords(says_.lastWords.c_str());
    context.getResults().setCause(says_.cause);
    return kj::READY_NOW;
  }
  kj::Promise<void> dispatch(DispatchContext context) override {
    sink_ = context.getParams().getSink();
    return kj::READY_NOW;
  }

 private:
  Says& says_;
  kj::Maybe<proto::OutcomeSink::Client>& sink_;
};

class FakeLink final : public Link {
 public:
  explicit FakeLink(kj::Own<kj::AsyncIoStream> stream) : stream_(kj::mv(stream)) {}
  kj::Own<kj::AsyncIoStream> stream() override { return kj::mv(stream_); }
  int pid() const override { return 0; }
  kj::Promise<LinkEnd> ended() override { return kj::mv(over_.promise); }
  void end() override {
    over_.fulfiller->fulfill(LinkEnd{"signal 9 (Killed)", false, "`journalctl -u smsd-http@gateway`"});
  }
  kj::Duration patience() const override { return 0 * kj::SECONDS; }

 private:
  kj::Own<kj::AsyncIoStream> stream_;
  kj::PromiseFulfillerPair<LinkEnd> over_ = kj::newPromiseAndFulfiller<LinkEnd>();
};

class WorkerTalk : public testing::Test, public WorkerEvents {
 public:
  ~WorkerTalk() noexcept override {}
  void workerReady(const WorkerTraits&, const HealthReport& report) override {
    ready = true;
    health = report;
  }
  void workerReported(std::vector<delivery::AttemptOutcome> outcomes) override {
    for (auto& one : outcomes) said.emplace(one.attempt, one);
    if (!outcomes.empty() && outcomes.back().outcome.kind == delivery::OutcomeKind::unknown)
      leave = Leave::withheld;
  }
  void workerDeclined() override { ++declined; }
  void workerEnds(Cause cause) override { causes.push_back(cause); }
  Leave mayBegin(queue::AttemptId) const override { return leave; }
  void workerGone(const std::string& why, std::vector<delivery::AttemptOutcome> lost,
                  Conduct conduct) override {
    gone = why;
    breach = conduct == Conduct::breach;
    for (auto& one : lost) said.emplace(one.attempt, one);
  }

  void turn() {
    timer.advanceTo(timer.now());
    io.waitScope.poll();
  }
  void advance(Milliseconds by) {
    timer.advanceTo(timer.now() + std::int64_t(by.count()) * kj::MILLISECONDS);
    for (int i = 0; i < 20; ++i) io.waitScope.poll();
  }
  void start() {
    auto pipe = io.provider->newTwoWayPipe();
    program = rpc::Channel::serve(kj::mv(pipe.ends[1]), kj::heap<FakeProgram>(says, sink));
    worker = kj::heap<Worker>(kj::heap<FakeLink>(kj::mv(pipe.ends[0])), timer, config::kindNamed("http"), 30s,
                              10s, *this);
    settle();
  }
  /// Until nothing moves between the two ends any more.
  void settle() {
    for (int i = 0; i < 50; ++i) {
      io.waitScope.poll();
      io.provider->getTimer().afterDelay(0 * kj::SECONDS).wait(io.waitScope);
    }
    advance(0ms);
  }
  void give(std::vector<queue::AttemptId> attempts) {
    std::vector<queue::Submission> all(attempts.size());
    std::vector<const queue::Submission*> batch;
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i].attempt = attempts[i];
      batch.push_back(&all[i]);
    }
    worker->dispatch(batch);
    settle();
  }
  /// True: the report was answered; what was withheld stands in `withheld`.
  bool report(unsigned size, const std::function<void(Reports)>& write) {
    auto request = KJ_ASSERT_NONNULL(sink).reportRequest();
    write(request.initReports(size));
    bool answered = false;
    withheld.clear();
    auto sent = request.send()
                    .then([&](auto response) {
                      answered = true;
                      for (auto attempt : response.getWithheld()) withheld.push_back(attempt);
                    })
                    .eagerlyEvaluate([](kj::Exception&&) {});
    settle();
    return answered;
  }
  bool begin(std::vector<queue::AttemptId> attempts) {
    return report(static_cast<unsigned>(attempts.size()), [&](Reports reports) {
      for (unsigned i = 0; i < attempts.size(); ++i) {
        reports[i].setAttempt(attempts[i]);
        reports[i].setBegun();
      }
    });
  }
  void expectBreach(const std::string& what) {
    advance(1s);  // what a process wrote before it ended is waited for
    advance(1s);
    EXPECT_TRUE(breach);
    EXPECT_NE(gone.find(what), std::string::npos) << gone;
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
  FakeProgram::Says says;
  kj::Maybe<proto::OutcomeSink::Client> sink;
  kj::Own<rpc::Channel> program;
  kj::Own<Worker> worker;
  bool ready = false, breach = false;
  Leave leave = Leave::granted;
  HealthReport health;
  std::map<queue::AttemptId, delivery::AttemptOutcome> said;
  std::vector<queue::AttemptId> withheld;
  std::string gone;
  int declined = 0;
  std::vector<Cause> causes;
};

}  // namespace smsd::keeper
