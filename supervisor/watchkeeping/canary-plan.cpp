// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/watchkeeping/canary-plan.h"

#include <algorithm>
#include <ctime>

namespace smsd::watchkeeping {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

std::tm localOf(WallTime time) {
  const std::time_t seconds = time.time_since_epoch().count();
  std::tm local{};
  localtime_r(&seconds, &local);
  return local;
}

sys_days localDay(WallTime time) {
  std::tm local = localOf(time);
  return std::chrono::floor<days>(WallTime(std::chrono::seconds(timegm(&local))));
}

/// Returns when the local clock shows `at` on `day`: the first time if it does so twice, and the time after
/// the gap if a step to summer time leaves it out. mktime() alone may choose either of two.
WallTime momentOf(sys_days day, std::chrono::minutes at) {
  const std::chrono::year_month_day date(day);
  std::optional<WallTime> shown;
  WallTime latest{};
  for (const int summer : {1, 0}) {
    std::tm wanted{};
    wanted.tm_year = int(date.year()) - 1900;
    wanted.tm_mon = static_cast<int>(unsigned(date.month())) - 1;
    wanted.tm_mday = static_cast<int>(unsigned(date.day()));
    wanted.tm_min = static_cast<int>(at.count());
    wanted.tm_isdst = summer;
    const WallTime time{std::chrono::seconds(std::mktime(&wanted))};
    const std::tm local = localOf(time);
    const bool same = localDay(time) == day && std::chrono::minutes(local.tm_hour * 60 + local.tm_min) == at;
    if (same && (!shown || time < *shown)) shown = time;
    latest = std::max(latest, time);
  }
  return shown.value_or(latest);
}

/// Whole days between two canaries; 1 if there are several a day.
days period(const CanarySchedule& schedule) {
  return std::max(std::chrono::floor<days>(schedule.every), days(1));
}

/// Returns the last day with a canary at `at` that is not after `now`. Which days these are does not depend
/// on when smsd started.
sys_days anchorBefore(const CanarySchedule& schedule, WallTime now) {
  const auto length = period(schedule);
  // The day after, because the clock may show it already and then be set back over midnight.
  sys_days day = localDay(now) + days(1);
  day -= day.time_since_epoch() % length;
  while (momentOf(day, schedule.at) > now) day -= length;
  return day;
}

bool severalADay(const CanarySchedule& schedule) { return schedule.every < days(1); }

}  // namespace

WallTime slotBefore(const CanarySchedule& schedule, WallTime now) {
  const WallTime anchor = momentOf(anchorBefore(schedule, now), schedule.at);
  return severalADay(schedule) ? anchor + schedule.every * ((now - anchor) / schedule.every) : anchor;
}

WallTime slotAfter(const CanarySchedule& schedule, WallTime now) {
  const sys_days day = anchorBefore(schedule, now);
  const WallTime next = momentOf(day + period(schedule), schedule.at);
  return severalADay(schedule) ? std::min(next, slotBefore(schedule, now) + schedule.every) : next;
}

WallTime nextCanary(const CanarySchedule& schedule, const CanaryPast& past, WallTime now) {
  WallTime last = std::min(past.since, now);
  if (past.ran) last = *past.ran > now + schedule.every ? now : *past.ran;
  const WallTime slot = slotBefore(schedule, now);
  return slot > last ? slot : slotAfter(schedule, std::max(last, now));
}

std::int64_t dayOf(WallTime time) { return localDay(time).time_since_epoch().count(); }

}  // namespace smsd::watchkeeping
