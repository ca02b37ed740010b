// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/pace/pace.h"

#include <algorithm>

namespace smsd::pace {
namespace {

constexpr Duration hour = std::chrono::hours(1);

/// A record of an hour that is over, or that begins later because the clock was set back, counts no more.
bool isOfThisHour(const Record& record) {
  return record.hourAge >= Duration::zero() && record.hourAge < hour;
}

int sentThisHour(const std::optional<Record>& record) {
  return record && isOfThisHour(*record) ? record->sent : 0;
}

}  // namespace

Decision decide(const std::optional<Record>& record, std::optional<int> severity, const PaceRules& rules) {
  if (!rules.on() || rules.exempts(severity)) return {};
  const bool limited = rules.perHour > 0;
  const int sent = sentThisHour(record);
  const Duration wait = record ? std::max(record->wait, Duration::zero()) : Duration::zero();
  if (limited && sent >= rules.perHour) return {Departure::nextHour, std::max(wait, hour - record->hourAge)};
  if (wait > Duration::zero()) return {Departure::afterWindow, wait};
  if (limited && sent + 1 == rules.perHour) return {Departure::last, after(record, rules).wait};
  return {};
}

Record after(const std::optional<Record>& record, const PaceRules& rules) {
  Record next{.wait = rules.window, .hourAge = Duration::zero(), .sent = 1};
  if (record && isOfThisHour(*record)) {
    next.hourAge = record->hourAge;
    next.sent = record->sent + 1;
  }
  if (rules.perHour > 0 && next.sent >= rules.perHour) next.wait = std::max(next.wait, hour - next.hourAge);
  return next;
}

}  // namespace smsd::pace
