// SPDX-License-Identifier: GPL-3.0-or-later
// Puts the stamps of an SMS's messages, taken at the claim, in the order of the SMS.
//
// Called by the claims of both backends. Pure.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "supervisor/format/format.h"

namespace smsd::queue {

/// `stamps` has one entry for each of `messages`. Returns the stamps for sms.sent, then for sms.ignored.
inline std::vector<std::int64_t> stampsOf(const format::FormattedSms& sms,
                                          const std::vector<format::Message>& messages,
                                          const std::vector<std::int64_t>& stamps) {
  if (messages.size() == 1 && sms.sent.size() + sms.ignored.size() == 1) return stamps;
  std::unordered_map<format::MessageId, std::int64_t> byId;
  for (std::size_t i = 0; i < messages.size(); ++i) byId.emplace(messages[i].id, stamps[i]);
  std::vector<std::int64_t> result;
  for (const auto* ids : {&sms.sent, &sms.ignored})
    for (format::MessageId id : *ids) result.push_back(byId.at(id));
  return result;
}

}  // namespace smsd::queue
