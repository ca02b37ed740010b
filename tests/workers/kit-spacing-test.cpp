// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/kit/spacing.h"

#include <gtest/gtest.h>

#include <vector>

namespace smsd::kit {
namespace {

using namespace std::chrono_literals;

kj::TimePoint at(std::chrono::microseconds time) {
  return kj::origin<kj::TimePoint>() + time.count() * kj::MICROSECONDS;
}

TEST(Spacing, AdmitsAsManyAsTheSpacingAllows) {
  struct Row {
    std::chrono::nanoseconds spacing;
    std::vector<std::chrono::microseconds> tries;
    std::vector<bool> admitted;
  };
  for (const auto& [spacing, tries, admitted] :
       {Row{0ns, {0ms, 0ms, 0ms, 0ms}, {true, true, true, true}},
        Row{1s, {0ms, 0ms, 999ms, 1s}, {true, false, false, true}},
        Row{1s, {0ms, 5s, 5s, 6s}, {true, true, false, true}},         // a pause saves nothing up
        Row{10ms, {0ms, 0ms, 9ms, 10ms}, {true, false, false, true}},  // no burst from 10 ms on
        Row{5ms, {0ms, 0ms, 0ms, 0ms}, {true, true, true, false}},     // below: 10 ms ahead
        Row{5ms, {0ms, 0ms, 0ms, 5ms}, {true, true, true, true}},
        Row{4ms, {20ms, 20ms, 20ms, 20ms}, {true, true, true, false}}}) {
    Spacing one(spacing, at(0ms));
    for (std::size_t i = 0; i < tries.size(); ++i)
      EXPECT_EQ(one.admits(at(tries[i])), admitted[i]) << spacing.count() << " ns, try " << i;
  }
}

TEST(Spacing, SetsOneTimerForTheNextSms) {
  struct Row {
    std::chrono::nanoseconds spacing;
    std::chrono::microseconds timer;
  };
  for (auto [spacing, timer] : {Row{1s, 1s}, {10ms, 10ms}, {6ms, 2ms}, {4ms, 2ms}}) {
    Spacing one(spacing, at(0ms));
    while (one.admits(at(0ms))) {
    }
    KJ_IF_MAYBE (when, one.timer())
      EXPECT_EQ((*when - at(0ms)) / kj::MICROSECONDS, timer.count()) << spacing.count();
    else
      ADD_FAILURE() << "no timer";
    EXPECT_TRUE(one.timer() == nullptr) << "it runs already";
    one.rang();
    EXPECT_TRUE(one.admits(at(timer))) << spacing.count();
  }
}

TEST(Spacing, AssertsThatATimerWasSetAndThatASpacingIsNotNegative) {
  Spacing one(1s, at(0ms));
  EXPECT_THROW(one.rang(), kj::Exception);
  EXPECT_THROW(Spacing(-1ns, at(0ms)), kj::Exception);
}

}  // namespace
}  // namespace smsd::kit
