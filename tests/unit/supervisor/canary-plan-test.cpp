// SPDX-License-Identifier: GPL-3.0-or-later
// When canaries are due: through both changes of summer time, steps of the clock, restarts and long outages.
#include "supervisor/watchkeeping/canary-plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

namespace smsd::watchkeeping {
namespace {

using namespace std::chrono_literals;

/// Central European time, without the zone files of the system.
class CanaryPlan : public testing::Test {
 protected:
  CanaryPlan() {
    if (const char* zone = std::getenv("TZ")) before_ = zone;
    use("CET-1CEST,M3.5.0,M10.5.0/3");
  }
  ~CanaryPlan() noexcept override { use(before_.c_str()); }
  static void use(const char* zone) {
    *zone == '\0' ? unsetenv("TZ") : setenv("TZ", zone, 1);
    tzset();
  }

 private:
  std::string before_;
};

/// "2026-03-29 00:30:00", in UTC
WallTime utc(const std::string& text) {
  std::tm time{};
  strptime(text.c_str(), "%Y-%m-%d %H:%M:%S", &time);
  return WallTime(std::chrono::seconds(timegm(&time)));
}

std::string shown(WallTime time) {
  const std::time_t seconds = time.time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts)};
}

constexpr CanarySchedule daily{7h + 30min, 24h};

TEST_F(CanaryPlan, HasTheSlotsOfTheTable) {
  struct Row {
    const char* about;
    CanarySchedule schedule;
    const char* now;
    const char* before;
    const char* after;
  };
  // Local time is UTC + 1, in summer UTC + 2. Times in UTC.
  const Row rows[] = {
      {"a winter's day, early", daily, "2026-01-10 03:00:00", "2026-01-09 06:30:00", "2026-01-10 06:30:00"},
      {"at the slot", daily, "2026-01-10 06:30:00", "2026-01-10 06:30:00", "2026-01-11 06:30:00"},
      {"a second before it", daily, "2026-01-10 06:29:59", "2026-01-09 06:30:00", "2026-01-10 06:30:00"},
      {"summer", daily, "2026-07-10 12:00:00", "2026-07-10 05:30:00", "2026-07-11 05:30:00"},
      {"midnight", {0min, 24h}, "2026-01-10 22:59:59", "2026-01-09 23:00:00", "2026-01-10 23:00:00"},
      {"the last minute",
       {23h + 59min, 24h},
       "2026-01-10 23:30:00",
       "2026-01-10 22:59:00",
       "2026-01-11 22:59:00"},
      {"the night to summer", daily, "2026-03-28 12:00:00", "2026-03-28 06:30:00", "2026-03-29 05:30:00"},
      {"the day of 23 hours", daily, "2026-03-29 05:30:00", "2026-03-29 05:30:00", "2026-03-30 05:30:00"},
      {"an hour left out",
       {2h + 30min, 24h},
       "2026-03-28 12:00:00",
       "2026-03-28 01:30:00",
       "2026-03-29 01:30:00"},
      {"the day after it",
       {2h + 30min, 24h},
       "2026-03-29 12:00:00",
       "2026-03-29 01:30:00",
       "2026-03-30 00:30:00"},
      {"the night to winter", daily, "2026-10-24 12:00:00", "2026-10-24 05:30:00", "2026-10-25 06:30:00"},
      {"an hour shown twice",
       {2h + 30min, 24h},
       "2026-10-24 12:00:00",
       "2026-10-24 00:30:00",
       "2026-10-25 00:30:00"},
      {"after its first time",
       {2h + 30min, 24h},
       "2026-10-25 00:45:00",
       "2026-10-25 00:30:00",
       "2026-10-26 01:30:00"},
      {"after its second time",
       {2h + 30min, 24h},
       "2026-10-25 01:45:00",
       "2026-10-25 00:30:00",
       "2026-10-26 01:30:00"},
      {"every hour", {7h + 30min, 1h}, "2026-01-10 03:00:00", "2026-01-10 02:30:00", "2026-01-10 03:30:00"},
      {"every hour, to summer",
       {7h + 30min, 1h},
       "2026-03-29 00:45:00",
       "2026-03-29 00:30:00",
       "2026-03-29 01:30:00"},
      {"every hour, to winter",
       {7h + 30min, 1h},
       "2026-10-25 00:45:00",
       "2026-10-25 00:30:00",
       "2026-10-25 01:30:00"},
      {"every 6 h, 23 hours",
       {7h + 30min, 6h},
       "2026-03-29 01:00:00",
       "2026-03-29 00:30:00",
       "2026-03-29 05:30:00"},
      {"every 6 h, 25 hours",
       {7h + 30min, 6h},
       "2026-10-25 05:45:00",
       "2026-10-25 05:30:00",
       "2026-10-25 06:30:00"},
      {"every 10 s", {0min, 10s}, "2026-01-10 03:00:07", "2026-01-10 03:00:00", "2026-01-10 03:00:10"},
      {"every week",
       {7h + 30min, 7 * 24h},
       "2026-01-10 12:00:00",
       "2026-01-08 06:30:00",
       "2026-01-15 06:30:00"},
      {"every week, on its day",
       {7h + 30min, 7 * 24h},
       "2026-01-15 06:00:00",
       "2026-01-08 06:30:00",
       "2026-01-15 06:30:00"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(shown(slotBefore(row.schedule, utc(row.now))), row.before) << row.about;
    EXPECT_EQ(shown(slotAfter(row.schedule, utc(row.now))), row.after) << row.about;
  }
}

TEST_F(CanaryPlan, HasNoSlotTwiceAndNoGapWhereTheCalendarChanges) {
  for (const CanarySchedule& schedule :
       {daily, CanarySchedule{2h + 30min, 24h}, CanarySchedule{2h + 30min, 6h}, CanarySchedule{0min, 1h},
        CanarySchedule{23h + 59min, 48h}})
    for (const char* around : {"2025-12-31 00:00:00", "2026-03-28 12:00:00", "2026-10-24 12:00:00"})
      for (WallTime now = utc(around); now < utc(around) + 36h; now += 17min) {
        const WallTime before = slotBefore(schedule, now), after = slotAfter(schedule, now);
        ASSERT_LE(before, now) << shown(now);
        ASSERT_GT(after, now) << shown(now);
        ASSERT_EQ(slotBefore(schedule, after), after) << shown(now);
        ASSERT_EQ(slotBefore(schedule, after - 1s), before) << shown(now);
        ASSERT_LE(after - before, schedule.every + 1h) << shown(now);
      }
}

TEST_F(CanaryPlan, HasItsSlotOnceWhereTheClockIsSetBackOverMidnight) {
  use("XST3XDT,M3.2.0,M11.1.0/0:30");  // 00:30 becomes 23:30 of the day before
  const CanarySchedule schedule{10min, 24h};
  EXPECT_EQ(shown(slotBefore(schedule, utc("2026-11-01 02:20:00"))), "2026-11-01 02:10:00");
  EXPECT_EQ(shown(slotBefore(schedule, utc("2026-11-01 02:40:00"))), "2026-11-01 02:10:00");
  EXPECT_EQ(shown(slotBefore(schedule, utc("2026-11-01 03:20:00"))), "2026-11-01 02:10:00");
  EXPECT_EQ(shown(slotAfter(schedule, utc("2026-11-01 02:40:00"))), "2026-11-02 03:10:00");
}

TEST_F(CanaryPlan, HasOneCanaryASlotWhateverHappened) {
  struct Row {
    const char* about;
    CanarySchedule schedule;
    const char* ran;  // "": never
    const char* since;
    const char* now;
    const char* next;  // not after `now`: due
  };
  const CanarySchedule hourly{7h + 30min, 1h};
  const Row rows[] = {
      {"a new dispatcher waits for its first slot", daily, "", "2026-01-10 07:00:00", "2026-01-10 07:00:00",
       "2026-01-11 06:30:00"},
      {"and is due then", daily, "", "2026-01-10 07:00:00", "2026-01-11 06:30:00", "2026-01-11 06:30:00"},
      {"it ran", daily, "2026-01-10 06:30:01", "2026-01-01 00:00:00", "2026-01-10 06:31:00",
       "2026-01-11 06:30:00"},
      {"a restart after it ran", daily, "2026-01-10 06:30:01", "2026-01-10 06:32:00", "2026-01-10 06:32:00",
       "2026-01-11 06:30:00"},
      {"smsd was down at the slot", daily, "2026-01-09 06:30:01", "2026-01-10 08:00:00",
       "2026-01-10 08:00:00", "2026-01-10 06:30:00"},
      {"smsd was down for a month: one canary", daily, "2025-12-09 06:30:01", "2026-01-10 08:00:00",
       "2026-01-10 08:00:00", "2026-01-10 06:30:00"},
      {"the clock went ahead by 2 h over the slot", daily, "2026-01-09 06:30:01", "2026-01-01 00:00:00",
       "2026-01-10 08:00:00", "2026-01-10 06:30:00"},
      {"and back: the slot comes again, and is passed over", daily, "2026-01-10 08:00:00",
       "2026-01-01 00:00:00", "2026-01-10 06:30:00", "2026-01-11 06:30:00"},
      {"the clock went back by 2 h after it ran", daily, "2026-01-10 06:30:01", "2026-01-01 00:00:00",
       "2026-01-10 04:31:00", "2026-01-11 06:30:00"},
      {"back by 2 h, every hour: the next slot counts", hourly, "2026-01-10 06:30:01", "2026-01-01 00:00:00",
       "2026-01-10 04:31:00", "2026-01-10 05:30:00"},
      {"the clock was ten years ahead", daily, "2036-01-10 06:30:01", "2026-01-01 00:00:00",
       "2026-01-10 04:31:00", "2026-01-10 06:30:00"},
      {"the clock was ten years ahead when the watch began", daily, "", "2036-01-10 06:30:01",
       "2026-01-10 04:31:00", "2026-01-10 06:30:00"},
      {"the clock was ten years back", daily, "2016-01-10 06:30:01", "2016-01-10 06:00:00",
       "2026-01-10 04:31:00", "2026-01-09 06:30:00"},
      {"another hour, later today",
       {9h, 24h},
       "2026-01-10 06:30:01",
       "2026-01-01 00:00:00",
       "2026-01-10 06:40:00",
       "2026-01-10 08:00:00"},
      {"another hour, earlier today",
       {6h, 24h},
       "2026-01-10 06:30:01",
       "2026-01-01 00:00:00",
       "2026-01-10 06:40:00",
       "2026-01-11 05:00:00"},
  };
  for (const auto& row : rows) {
    CanaryPast past{{}, utc(row.since)};
    if (*row.ran != '\0') past.ran = utc(row.ran);
    EXPECT_EQ(shown(nextCanary(row.schedule, past, utc(row.now))), row.next) << row.about;
  }
}

TEST_F(CanaryPlan, IsOneADayThroughAYear) {
  for (const auto at : {7h + 30min, 2h + 30min, 0h + 0min}) {
    const CanarySchedule schedule{at, 24h};
    CanaryPast past{{}, utc("2026-01-01 12:00:00")};
    int canaries = 0;
    for (WallTime now = past.since; now < utc("2027-01-01 12:00:00");) {
      const WallTime next = nextCanary(schedule, past, now);
      if (next <= now) past.ran = now;
      if (next <= now) ++canaries;
      now = std::max(now + 7min, next);
    }
    EXPECT_EQ(canaries, 365);
  }
}

}  // namespace
}  // namespace smsd::watchkeeping
