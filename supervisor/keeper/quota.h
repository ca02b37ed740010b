// How many SMS a dispatcher may still be given today, and what of that is kept for the most severe.
//
// Pure: the day is the caller's to say. It stands here and not with the worker, because a worker never learns
// how severe an SMS is, and a limit that a worker announced by deferring would make the breaker rest just
// when the reserve is wanted. Counted is what may cost: accepted and unknown. What was counted before smsd
// started anew is day-count.h's to know.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>

namespace smsd::keeper {

struct QuotaConfig {
  int perDay = 0;      // SMS; 0: no limit
  int reserve = 0;     // of those, kept for the severe ones
  int reserveFor = 1;  // up to this severity
  bool operator==(const QuotaConfig&) const = default;
};

class Quota {
 public:
  using Day = std::int64_t;  // grows at midnight; today() says how
  struct Used {
    Day day = 0;
    std::size_t count = 0;
  };
  explicit Quota(QuotaConfig config) : config_(config) {}
  void configure(QuotaConfig config) { config_ = config; }

  /// How many more of this severity, when `out` are under way. None (the severity): the least severe.
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
  /// A clock that is set back over midnight gives nobody a second count of the same night. One that is set
  /// back further was wrong before.
  bool isOf(Day today) const { return today <= used_.day && used_.day - today <= mostBack; }
  static constexpr Day mostBack = 2;  // today() leaves one out at the end of most years

  QuotaConfig config_;
  Used used_;
};

/// The local calendar's.
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

}  // namespace smsd::keeper
