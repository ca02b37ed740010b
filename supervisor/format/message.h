// SPDX-License-Identifier: GPL-3.0-or-later
// A message as the pure rooms know it: one row of the queue (NAV: smsq).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace smsd::format {

using MessageId = std::int64_t;

struct Message {
  MessageId id = 0;
  std::string text;             // as stored in the queue: UTF-8, or whatever the database holds
  std::optional<int> severity;  // 1 is the most severe; none comes last
};

}  // namespace smsd::format
