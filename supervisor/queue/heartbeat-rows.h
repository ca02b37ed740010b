// SPDX-License-Identifier: GPL-3.0-or-later
// The interpretation of rows about heartbeats that all backends on SQL have.
//
// As rows.h: the names of the columns are alike in all backends. Called by their heartbeats.cpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "supervisor/queue/queue.h"

namespace smsd::queue {

/// Messages that were one heartbeat.
struct BeatMessages {
  std::uint64_t count = 0;
  std::optional<std::int64_t> age;  // of the latest, in ms, by the queue's clock
};
using BeatMessagesByName = std::map<std::string, BeatMessages>;

/// Adds the messages of `beats` to the heartbeats in `row`.
template <typename Row>
HeartbeatRecord heartbeatRecord(const Row& row, const BeatMessages& beats) {
  using Column = typename Row::Column;
  HeartbeatRecord record;
  record.name = row.text(Column::name);
  record.waited = Duration(row.integer(Column::waited));
  record.sinceLook = Duration(row.integer(Column::sinceLook));
  record.looks = row.integer(Column::looks);
  record.otherWatches = row.flag(Column::otherWatches);
  record.came = static_cast<std::uint64_t>(std::max<std::int64_t>(0, row.integer(Column::came)));
  record.last = row.optionalInteger(Column::last);
  record.missing = row.optionalInteger(Column::missing);
  if (record.came > 0)
    if (const auto since = row.optionalInteger(Column::sinceBeat)) record.sinceBeat = Duration(*since);
  if (beats.age)
    record.sinceBeat =
        record.sinceBeat ? std::min(*record.sinceBeat, Duration(*beats.age)) : Duration(*beats.age);
  record.came += beats.count;
  return record;
}

inline const char* nameOf(HeartbeatVerdict::Change change) {
  switch (change) {
    case HeartbeatVerdict::Change::missing:
      return "missing";
    case HeartbeatVerdict::Change::back:
      return "back";
    case HeartbeatVerdict::Change::none:
      break;
  }
  return "none";
}

}  // namespace smsd::queue
