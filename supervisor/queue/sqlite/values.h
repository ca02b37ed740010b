// SPDX-License-Identifier: GPL-3.0-or-later
// Conversion of values to and from the columns of a queue in a file.
//
// Owns the form of lists of ids, which are JSON, and of failures, which are stored as the time of the first
// one. Called by the SQLite backend only. Fails by QueueError, at a list that is no JSON.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
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

}  // namespace smsd::queue::sqlite
