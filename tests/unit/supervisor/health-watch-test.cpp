// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/health-watch.h"

#include <gtest/gtest.h>

namespace smsd::keeper {
namespace {

using namespace std::chrono_literals;
using Time = HealthWatch::Time;

TEST(HealthWatch, QueriesABusyOrBrokenWorkerMoreOften) {
  struct Row {
    Sick sick;
    std::size_t out;
    Time wait;
  };
  for (auto [sick, out, wait] : {Row{Sick::no, 0, 60s},
                                 {Sick::no, 1, 5s},
                                 {Sick::byOutcome, 0, 60s},
                                 {Sick::byOutcome, 1, 5s},
                                 {Sick::byHealth, 0, 15s},
                                 {Sick::byHealth, 1, 15s}}) {
    HealthWatch watch;
    watch.reported({}, 100s);
    EXPECT_EQ(watch.next(100s, sick, out), wait) << int(sick) << ' ' << out;
    EXPECT_EQ(watch.dueAt(), 100s + wait);
  }
}

TEST(HealthWatch, PutsAQueryOffWhileOutcomesProveThatTheWorkerLives) {
  struct Row {
    Sick sick;
    std::size_t out;
    Time lived, now;  // the last query was at 100 s
    bool off;
  };
  for (auto [sick, out, lived, now, off] : {Row{Sick::no, 1, 104s, 105s, true},
                                            {Sick::no, 1, 100s, 104999ms, true},
                                            {Sick::no, 1, 100s, 105s, false},  // no outcome for 5 s
                                            {Sick::no, 0, 104s, 105s, false},  // nothing is in flight
                                            {Sick::byOutcome, 1, 104s, 105s, false},
                                            {Sick::byHealth, 1, 104s, 105s, false},
                                            {Sick::no, 1, 159s, 159999ms, true},
                                            {Sick::no, 1, 159s, 160s, false}}) {  // a minute later, anyway
    HealthWatch watch;
    ASSERT_FALSE(watch.putsOff(100s, Sick::no, 0));
    watch.lives(lived);
    auto later = watch.putsOff(now, sick, out);
    EXPECT_EQ(later.has_value(), off) << lived.count() << ' ' << now.count();
    if (!later) continue;
    EXPECT_EQ(*later, 5s);
    EXPECT_EQ(watch.dueAt(), now + 5s);
  }
}

TEST(HealthWatch, BringsTheNextQueryForwardWhenSmsAreHandedOver) {
  HealthWatch watch;
  watch.reported({}, 100s);
  watch.next(100s, Sick::no, 0);
  watch.dispatched(110s);
  EXPECT_EQ(watch.dueAt(), 115s);
  watch.dispatched(112s);
  EXPECT_EQ(watch.dueAt(), 115s) << "never later";
}

TEST(HealthWatch, KeepsTheLastReportAndItsTime) {
  HealthWatch watch;
  EXPECT_FALSE(watch.lastAt());
  EXPECT_THROW(watch.next(0s, Sick::no, 0), kj::Exception) << "before any report";
  HealthReport report;
  report.broken = "no SIM";
  watch.reported(report, 7s);
  EXPECT_EQ(watch.last().broken, "no SIM");
  EXPECT_EQ(watch.lastAt(), 7s);
}

}  // namespace
}  // namespace smsd::keeper
