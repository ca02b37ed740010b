// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/next-start.h"

#include <gtest/gtest.h>

#include <optional>

namespace smsd::keeper {
namespace {

using namespace std::chrono_literals;
using Time = NextStart::Time;
using After = NextStart::After;

TEST(NextStart, IsNoLaterThanTwoSecondsAfterAFailureOnceThereIsSomethingToSend) {
  struct Row {
    After after;
    Time wait, wanted;  // the wait begins at 100 s
    std::optional<Time> sooner;
    Time at;
  };
  const std::optional<Time> no = std::nullopt;
  for (auto [after, wait, wanted, sooner, at] : {Row{After::failure, 60s, 100s, 102s, 102s},
                                                 {After::failure, 60s, 101s, 102s, 102s},
                                                 {After::failure, 60s, 102s, 102s, 102s},
                                                 {After::failure, 60s, 110s, 110s, 110s},
                                                 {After::failure, 1s, 100s, no, 101s},
                                                 {After::failure, 2s, 100s, no, 102s},
                                                 {After::failure, 60s, 160s, no, 160s},
                                                 {After::breach, 60s, 110s, no, 160s}}) {
    NextStart next;
    next.failed(after);
    next.wait(100s, wait);
    EXPECT_EQ(next.at(), 100s + wait);
    EXPECT_EQ(next.wanted(wanted), sooner) << wait.count() << ' ' << wanted.count();
    EXPECT_EQ(next.at(), at) << wait.count() << ' ' << wanted.count();
    EXPECT_EQ(next.wanted(wanted), no) << "the second time";
  }
}

TEST(NextStart, AssertsThatAWaitHasALength) {
  NextStart next;
  EXPECT_THROW(next.wait(100s, 0s), kj::Exception);
}

}  // namespace
}  // namespace smsd::keeper
