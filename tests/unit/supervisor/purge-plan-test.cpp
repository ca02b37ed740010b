// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/purge-plan.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace smsd::road {
namespace {

using namespace std::chrono_literals;
using Time = PurgePlan::Time;

kj::TimePoint at(Time time) { return kj::origin<kj::TimePoint>() + time.count() * kj::MILLISECONDS; }

TEST(PurgePlan, MakesTheNextStepDueByTheResultOfTheLast) {
  struct Row {
    std::string what;
    std::function<void(PurgePlan&)> result;
    Time next;
  };
  for (const auto& [what, result, next] :
       {Row{"done, or failed", [](PurgePlan&) {}, 1h + 10s},
        Row{"entries are left", [](PurgePlan& plan) { plan.leftSome(at(11s)); }, 11s},
        Row{"refused", [](PurgePlan& plan) { plan.refused(at(11s)); }, 24h + 11s}}) {
    PurgePlan plan(std::chrono::days(90), at(0s));
    EXPECT_FALSE(plan.isDue(at(9999ms)));
    ASSERT_TRUE(plan.isDue(at(10s)));
    plan.begins(at(10s));
    result(plan);
    EXPECT_EQ(plan.at(), at(next)) << what;
    EXPECT_FALSE(plan.isDue(at(next - 1ms))) << what;
    EXPECT_TRUE(plan.isDue(at(next))) << what;
  }
}

TEST(PurgePlan, IsNeverDueWhenTheHistoryIsKeptForEver) {
  PurgePlan plan(std::nullopt, at(0s));
  EXPECT_FALSE(plan.isDue(at(std::chrono::days(1000))));
}

}  // namespace
}  // namespace smsd::road
