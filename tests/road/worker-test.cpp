// SPDX-License-Identifier: GPL-3.0-or-later
// The conversation with one worker over a real connection: what a worker may say that the kit's would not.
#include <gtest/gtest.h>

#include "tests/road/worker-bench.h"

namespace smsd::keeper {
namespace {

TEST_F(WorkerTalk, AWorkerOfAnotherKindBreaksTheContract) {
  says.kind = "gammu";
  start();
  EXPECT_FALSE(ready);
  expectBreach("the worker is of kind gammu, smsd.yaml has http");
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

TEST_F(WorkerTalk, ItsLastWordsStayTheReasonWhenItsConnectionEndsAfterThem) {
  says.lastWords = "the modem's thread is stuck";
  says.cause = proto::Cause::SPENT;
  start();
  ASSERT_EQ(causes, std::vector<Cause>{Cause::spent});
  program = nullptr;
  settle();
  advance(2s);
  advance(2s);
  EXPECT_TRUE(gone.starts_with("the modem's thread is stuck")) << gone;
  EXPECT_EQ(gone.find("connection"), std::string::npos) << gone;
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
  expectBreach("an empty report");
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
