// SPDX-License-Identifier: GPL-3.0-or-later
// How many SMS a dispatcher may still be given today, and how many of them are kept for the most severe.
//
// Pure: the caller passes the day. The supervisor keeps this limit and not the worker, because a worker never
// learns how severe an SMS is, and because a worker that announced its limit by `deferred` would open the
// breaker just when the reserve is needed. SMS that may cost money count: accepted and unknown. quota-file.h
// keeps the count over restarts.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>

namespace smsd::delivery {

struct QuotaConfig {
  int perDay = 0;      // SMS; 0: no limit
  int reserve = 0;     // how many of those are kept for severe SMS
  int reserveFor = 1;  // this severity and more severe ones may use the reserve
  bool operator==(const QuotaConfig&) const = default;
};

class Quota {
 public:
  using Day = std::int64_t;  // grows at midnight; see today()
  struct Used {
    Day day = 0;
    std::size_t count = 0;
  };
  explicit Quota(QuotaConfig config) : config_(config) {}
  void configure(QuotaConfig config) { config_ = config; }

  /// Returns how many more SMS of `severity` may be given while `out` are in flight. `severity` none: the
  /// least severe. SIZE_MAX: no limit.
  std::size_t left(std::optional<int> severity, std::size_t out, Day today) const {
    if (config_.perDay == 0) return SIZE_MAX;
    bool severe = severity && *severity <= config_.reserveFor;
    auto most = static_cast<std::size_t>(config_.perDay - (severe ? 0 : config_.reserve));
    std::size_t used = (isOf(today) ? used_.count : 0) + out;
    return most - std::min(most, used);
  }
  void count(Day today) {
    if (!isOf(today)) used_ = {today, 0};
    ++used_.count;
  }
  Used used() const { return used_; }
  void goOn(Used from) { used_ = from; }

 private:
  /// A clock that is set back over midnight stays on the counted day, because a day has its limit only once.
  /// After a larger step back a new count begins, because the clock was wrong before.
  bool isOf(Day today) const { return today <= used_.day && used_.day - today <= mostBack; }
  static constexpr Day mostBack = 2;  // today() skips a number at the end of most years

  QuotaConfig config_;
  Used used_;
};

/// The day of the local calendar.
inline Quota::Day today() {
  std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return (local.tm_year + 1900) * 366LL + local.tm_yday;
}

inline std::chrono::seconds untilTomorrow() {
  std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return std::chrono::hours(24) - std::chrono::hours(local.tm_hour) - std::chrono::minutes(local.tm_min) -
         std::chrono::seconds(std::min(local.tm_sec, 59));
}

}  // namespace smsd::delivery
