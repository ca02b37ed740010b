// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/outage-watch.h"

#include <gtest/gtest.h>

namespace smsd::road {
namespace {

using Outlook = DispatcherSet::Outlook;
using News = OutageWatch::News;

TEST(OutageWatch, HasOneOutageFromTheLastChanceToTheFirstThatWorks) {
  struct Row {
    Outlook outlook;
    News news;
    std::optional<int> lasted;  // in seconds; one passes in each row
  };
  OutageWatch watch;
  kj::TimePoint now = kj::origin<kj::TimePoint>();
  for (auto& row : {
           Row{Outlook::mayWork, News::none, {}},     // smsd starts
           Row{Outlook::works, News::none, {}},       //
           Row{Outlook::mayWork, News::none, {}},     // a restart is no outage
           Row{Outlook::none, News::begins, 0},       //
           Row{Outlook::none, News::none, 1},         //
           Row{Outlook::mayWork, News::none, 2},      // and the next restart does not end one
           Row{Outlook::allBroken, News::none, 3},    //
           Row{Outlook::works, News::none, {}},       //
           Row{Outlook::allBroken, News::begins, 0},  //
           Row{Outlook::works, News::none, {}},       //
       }) {
    EXPECT_EQ(watch.look(row.outlook, now), row.news);
    EXPECT_EQ(watch.lasts(), row.lasted.has_value());
    std::optional<int> lasted;
    KJ_IF_MAYBE (time, watch.lastedFor(now)) lasted = static_cast<int>(*time / kj::SECONDS);
    EXPECT_EQ(lasted, row.lasted);
    now = now + 1 * kj::SECONDS;
  }
}

}  // namespace
}  // namespace smsd::road
