// SPDX-License-Identifier: GPL-3.0-or-later
// Conversion of values to and from the columns of a queue in a file.
//
// Owns the form of lists of ids, which are JSON, and of failures, which are stored as the time of the first
// one. Called by the SQLite backend only. Fails by QueueError, at a list that is no JSON.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/queue/sqlite/connection.h"
#include "supervisor/queue/sqlite/sql-session.h"

namespace smsd::queue::sqlite {

inline std::string listOf(const std::vector<format::MessageId>& ids) {
  return fmt::format("[{}]", fmt::join(ids, ","));
}

inline std::vector<format::MessageId> readIds(Session& session, const std::string& list) {
  std::vector<format::MessageId> ids;
  auto row = session.query(sql::listOfIds);
  for (row.bind(list); row.next();) ids.push_back(row.integer(sql::Ids::id));
  return ids;
}

/// Returns the time of the first failure, in ms since 1970. `now`: the present time in the same unit.
inline std::optional<std::int64_t> since(const std::optional<Duration>& failing, std::int64_t now) {
  if (!failing) return std::nullopt;
  return now - failing->count();
}

/// Returns the age of a message whose column `time` is "YYYY-MM-DD HH:MM:SS", perhaps with a fraction. `now`:
/// ms since 1970. None: the time has another form.
inline std::optional<Duration> ageOf(std::string_view time, std::int64_t now) {
  constexpr std::string_view form = "0000-00-00 00:00:00";
  if (time.size() < form.size()) return std::nullopt;
  int parts[6] = {};
  std::size_t part = 0;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const bool digit = time[i] >= '0' && time[i] <= '9';
    if (form[i] != '0') {
      if (time[i] != form[i]) return std::nullopt;
      ++part;
    } else if (!digit) {
      return std::nullopt;
    } else {
      parts[part] = parts[part] * 10 + (time[i] - '0');
    }
  }
  using namespace std::chrono;
  const year_month_day date{year(parts[0]), month(static_cast<unsigned>(parts[1])),
                            day(static_cast<unsigned>(parts[2]))};
  if (!date.ok()) return std::nullopt;
  int fraction = 0;
  if (time.size() > form.size() && time[form.size()] == '.')
    for (std::size_t i = form.size() + 1, place = 100; i < time.size() && place > 0; ++i, place /= 10)
      if (time[i] >= '0' && time[i] <= '9') fraction += (time[i] - '0') * static_cast<int>(place);
  const auto at = sys_days(date).time_since_epoch() + hours(parts[3]) + minutes(parts[4]) +
                  seconds(parts[5]) + milliseconds(fraction);
  return Duration(now - duration_cast<milliseconds>(at).count());
}

}  // namespace smsd::queue::sqlite
