// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/worker-end.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace smsd::keeper {
namespace {

using namespace std::chrono_literals;
using Time = WorkerEnd::Time;
using Was = WorkerEnd::Was;

TEST(WorkerEnd, IsShutOutForAFewSecondsAfterAWorkerThatWasUsedOrToldToEnd) {
  struct Row {
    Was was;
    std::optional<Cause> lastWords;  // of the worker before
    Time later;
    std::optional<Cause> now;  // of the worker whose connection was closed
    bool shutOut;
  };
  const std::optional<Cause> none = std::nullopt;
  for (auto [was, lastWords, later, now, shutOut] : {Row{Was::used, none, 0s, none, true},
                                                     {Was::used, none, 2999ms, none, true},
                                                     {Was::used, none, 3s, none, false},
                                                     {Was::used, Cause::spent, 1s, none, true},
                                                     {Was::used, none, 1s, Cause::cannotStart, false},
                                                     {Was::unused, none, 1s, none, false},
                                                     {Was::unused, Cause::spent, 1s, none, false},
                                                     {Was::unused, Cause::told, 1s, none, true}}) {
    WorkerEnd end;
    end.hired();
    if (lastWords) end.announced(*lastWords);
    end.gone(100s, was);
    end.hired();
    if (now) end.announced(*now);
    EXPECT_EQ(end.isShutOut(100s + later), shutOut) << int(was) << ' ' << later.count();
  }
  WorkerEnd first;
  first.hired();
  EXPECT_FALSE(first.isShutOut(0s)) << "there was no worker before";
}

TEST(WorkerEnd, ReturnsOnceThatAWorkerWasToldToEnd) {
  for (auto [cause, told] : {std::pair(Cause::told, true), {Cause::spent, false}, {Cause::other, false}}) {
    WorkerEnd end;
    end.hired();
    end.announced(cause);
    EXPECT_FALSE(end.takeTold()) << "it has not ended yet";
    end.gone(0s, Was::used);
    end.hired();
    end.gone(1s, Was::unused);  // a start that fails changes nothing
    end.hired();
    EXPECT_EQ(end.takeTold(), told);
    EXPECT_FALSE(end.takeTold());
  }
}

TEST(WorkerEnd, ForgetsWithTheNextWorkerThatTheProcessHasToQuit) {
  WorkerEnd end;
  end.hired();
  end.quits(true);
  end.because("an operator restarts it");
  EXPECT_TRUE(end.quits());
  end.gone(0s, Was::used);
  EXPECT_TRUE(end.quits());
  end.hired();
  EXPECT_FALSE(end.quits());
  EXPECT_EQ(end.why(), "an operator restarts it");
}

TEST(WorkerEnd, AssertsThatEachWorkerEndsOnce) {
  WorkerEnd end;
  EXPECT_THROW(end.gone(0s, Was::used), kj::Exception);
  EXPECT_THROW(end.cannotStart(), kj::Exception);
  end.hired();
  EXPECT_THROW(end.hired(), kj::Exception);
  end.cannotStart();
  EXPECT_THROW(end.gone(0s, Was::used), kj::Exception);
}

}  // namespace
}  // namespace smsd::keeper
