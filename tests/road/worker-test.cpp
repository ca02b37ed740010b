// SPDX-License-Identifier: GPL-3.0-or-later
// The conversation with one worker over a real connection: what a worker may say that the kit's would not.
#include "supervisor/keeper/worker.h"

#include <capnp/any.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>

namespace smsd::keeper {
namespace {

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

TEST_F(WorkerTalk, AWorkerOfAnotherKindBreaksTheContract) {
  says.kind = "gammu";
  start();
  EXPECT_FALSE(ready);
  expectBreach("the worker is of kind gammu, smsd.yaml says http");
}

TEST_F(WorkerTalk, AWindowThatItsKindCannotHaveBreaksTheContract) {
  says.window = 257;
  start();
  EXPECT_FALSE(ready);
  expectBreach("a window beyond all bounds: 257 + 0, expected at most 256 + 4096 of kind http");
}

// One that works: each second another SMS, so that it never looks hung.
TEST_F(WorkerTalk, AnSmsThatIsNeverBegunIsTakenFromAWorkerThatGoesOnWithOthers) {
  start();
  give({1, 2, 3});
  queue::AttemptId next = 100;
  for (int second = 0; second < 12; ++second) {
    give({next});
    ASSERT_TRUE(begin({next}));
    report(1, [&](Reports reports) {
      reports[0].setAttempt(next);
      reports[0].initOutcome().setAccepted("");
    });
    ++next;
    advance(1s);
    ASSERT_EQ(gone, "") << second;
  }
  advance(1s);
  advance(1s);
  expectBreach("an SMS was not begun within 13 s");
  for (queue::AttemptId attempt : {1, 2, 3}) {
    EXPECT_EQ(said.at(attempt).begun, delivery::Begun::no);
    EXPECT_EQ(said.at(attempt).outcome.kind, delivery::OutcomeKind::deferred);
  }
}

TEST_F(WorkerTalk, ItsLastWordsAreTheReasonOfItsEndCutAndPrintable) {
  says.lastWords = "gateway.yaml:1:1: unknown key 'ulr'\n\x1b[31m" + std::string(2000, 'x');
  says.cause = proto::Cause::CANNOT_START;
  start();
  advance(2s);
  ASSERT_EQ(causes, std::vector<Cause>{Cause::cannotStart});
  EXPECT_TRUE(gone.starts_with("gateway.yaml:1:1: unknown key 'ulr'")) << gone;
  EXPECT_EQ(gone.find_first_of("\n\x1b"), std::string::npos);
  EXPECT_LE(gone.size(), proto::MAX_REASON + 40);
  EXPECT_FALSE(breach);
}

TEST_F(WorkerTalk, SaysWhereToLookWhenAWorkerBehindASocketEndsWithoutAWord) {
  start();
  program = nullptr;
  settle();
  advance(2s);
  advance(2s);
  EXPECT_NE(gone.find("the connection to the worker was lost"), std::string::npos) << gone;
  EXPECT_NE(gone.find("see `journalctl -u smsd-http@gateway`"), std::string::npos) << gone;
}

TEST_F(WorkerTalk, AReportOfNothingBreaksTheContract) {
  start();
  give({1});
  EXPECT_FALSE(report(0, [](Reports) {}));
  expectBreach("a report of nothing");
}

TEST_F(WorkerTalk, AReportThatCannotBeReadBreaksTheContractAndWhatStoodBeforeItCounts) {
  start();
  give({1, 2});
  ASSERT_TRUE(begin({1, 2}));
  EXPECT_FALSE(report(2, [](Reports reports) {
    reports[0].setAttempt(1);
    reports[0].initOutcome().setAccepted("17");
    reports[1].setAttempt(2);
    // A list where a text should stand.
    capnp::AnyStruct::Builder outcome(reports[1].initOutcome());
    reports[1].getOutcome().setAccepted("");
    capnp::AnyPointer::Builder text = outcome.getPointerSection()[0];
    text.initAs<capnp::List<std::uint64_t>>(2);
  }));
  expectBreach("a report that cannot be read");
  EXPECT_EQ(said.at(1).outcome.kind, delivery::OutcomeKind::accepted);
  EXPECT_EQ(said.at(2).outcome.kind, delivery::OutcomeKind::unknown);
}

// C13: no answer is no success.
TEST_F(WorkerTalk, AnOutcomeThatSaysNothingIsUnknown) {
  start();
  give({1});
  ASSERT_TRUE(begin({1}));
  ASSERT_TRUE(report(1, [](Reports reports) {
    reports[0].setAttempt(1);
    reports[0].initOutcome();
  }));
  EXPECT_EQ(said.at(1).outcome.kind, delivery::OutcomeKind::unknown);
}

TEST_F(WorkerTalk, AnOutcomeInTheCallThatAnnouncesItBreaksTheContract) {
  start();
  give({1});
  EXPECT_FALSE(report(2, [](Reports reports) {
    reports[0].setAttempt(1);
    reports[0].setBegun();
    reports[1].setAttempt(1);
    reports[1].initOutcome().setAccepted("17");
  }));
  expectBreach("never begun");
}

// C14: the backlog does not wait a second round at a gateway that has just left others without an answer.
TEST_F(WorkerTalk, WhatIsAnnouncedWithAFailureIsJudgedAfterItAndMayBeWithheld) {
  start();
  give({1, 2, 3});
  ASSERT_TRUE(begin({1}));
  EXPECT_TRUE(withheld.empty());
  ASSERT_TRUE(report(3, [](Reports reports) {
    reports[0].setAttempt(2);
    reports[0].setBegun();
    reports[1].setAttempt(3);
    reports[1].setBegun();
    reports[2].setAttempt(1);
    reports[2].initOutcome().setUnknown("no answer");
  }));
  EXPECT_EQ(withheld, (std::vector<queue::AttemptId>{2, 3}));
  ASSERT_TRUE(report(2, [](Reports reports) {
    for (unsigned i = 0; i < 2; ++i) {
      reports[i].setAttempt(2 + i);
      reports[i].setNotBegun();
    }
  }));
  EXPECT_EQ(said.at(2).begun, delivery::Begun::no);
  EXPECT_EQ(worker->out(), 0u);
}

TEST_F(WorkerTalk, OneThatGivesBackWhatItWasToSendDeclinesUnlessItWasToldTo) {
  auto givesBack = [this](queue::AttemptId attempt) {
    ASSERT_TRUE(report(1, [attempt](Reports reports) {
      reports[0].setAttempt(attempt);
      reports[0].setNotBegun();
    }));
    EXPECT_EQ(said.at(attempt).begun, delivery::Begun::no);
  };
  start();
  give({1, 2, 3, 4});
  leave = Leave::withheld;
  ASSERT_TRUE(begin({1}));
  givesBack(1);
  EXPECT_EQ(declined, 0);
  givesBack(2);
  EXPECT_EQ(declined, 1);
  leave = Leave::granted;
  ASSERT_TRUE(begin({3}));
  givesBack(3);  // begun, but not touched after all
  EXPECT_EQ(declined, 2);
  auto drained = worker->drain().eagerlyEvaluate([](kj::Exception&&) {});
  givesBack(4);
  EXPECT_EQ(declined, 2);
}

TEST_F(WorkerTalk, AnOutcomeOfWhatWasWithheldBreaksTheContract) {
  start();
  give({1});
  leave = Leave::withheld;
  ASSERT_TRUE(begin({1}));
  EXPECT_FALSE(report(1, [](Reports reports) {
    reports[0].setAttempt(1);
    reports[0].initOutcome().setAccepted("17");
  }));
  expectBreach("never begun");
  EXPECT_EQ(said.at(1).begun, delivery::Begun::no);
}

TEST_F(WorkerTalk, SaysHowItIsBeforeItIsReady) {
  says.broken = "no SIM";
  start();
  EXPECT_TRUE(ready);
  EXPECT_EQ(health.broken, "no SIM");
}

TEST_F(WorkerTalk, OneThatDoesNotSayHowItIsIsNotReady) {
  says.silent = true;
  start();
  EXPECT_FALSE(ready);
  for (int i = 0; i < 10; ++i) advance(1s);
  EXPECT_FALSE(ready);
  EXPECT_NE(gone.find("not ready"), std::string::npos) << gone;
}

TEST_F(WorkerTalk, WhatItSaysOfItsHealthIsCutAndPrintable) {
  says.broken = std::string(10'000, 'x') + "\x1b[31m";
  says.write = [](proto::Health::Builder builder) {
    auto details = builder.initDetails(100);
    for (auto detail : details) {
      detail.setName(std::string(1000, 'n').c_str());
      detail.setValue(("\x1b[2J\n" + std::string(1000, 'v')).c_str());
    }
  };
  start();
  EXPECT_LE(health.broken.size(), proto::MAX_REASON);
  ASSERT_EQ(health.details.size(), 16u);
  for (auto& [name, value] : health.details) {
    EXPECT_LE(name.size(), 40u);
    EXPECT_LE(value.size(), 200u);
    EXPECT_EQ(value.find('\x1b'), std::string::npos);
    EXPECT_EQ(value.find('\n'), std::string::npos);
  }
}

TEST_F(WorkerTalk, AnAnswerAboutItsHealthThatCannotBeReadBreaksTheContract) {
  start();
  says.write = [](proto::Health::Builder builder) {
    builder.setBroken("");
    capnp::AnyStruct::Builder(kj::mv(builder)).getPointerSection()[0].initAs<capnp::List<std::uint64_t>>(2);
  };
  auto asked = worker->health().ignoreResult().eagerlyEvaluate([](kj::Exception&&) {});
  settle();
  expectBreach("how it is");
}

// A process that was stopped, or a host that was suspended, must not take its workers for hung when it wakes.
TEST_F(WorkerTalk, IsNotTakenForHungWhereItWasTheSupervisorThatSlept) {
  start();
  give({1});
  ASSERT_TRUE(begin({1}));
  advance(1s);
  bool late = false;
  auto asked = worker->health().ignoreResult().eagerlyEvaluate([&](kj::Exception&&) { late = true; });
  advance(10min);  // in one step
  settle();
  EXPECT_FALSE(late);
  for (int i = 0; i < 3; ++i) advance(1s);  // one that is ended is gone within a second
  EXPECT_EQ(gone, "");
  for (int i = 0; i < 15; ++i) advance(1s);
  EXPECT_NE(gone.find("the worker hangs"), std::string::npos) << "but it is, if it goes on like that";
}

}  // namespace
}  // namespace smsd::keeper
