// SPDX-License-Identifier: GPL-3.0-or-later
// The stamps of an SMS's messages, taken at the claim, in the order of the SMS.
//
// Called by the claims and settlements of all backends. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "supervisor/format/format.h"
#include "supervisor/queue/queue.h"

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

enum class MessagePlace { inText, onlyCounted };

/// Calls `use(id, stamp, place)` for each message of the SMS: those in the text, then those only counted. The
/// stamp is none if the submission was stored without stamps.
template <typename Use>
void eachMessage(const Submission& submission, Use&& use) {
  const auto &sent = submission.sms.sent, &ignored = submission.sms.ignored;
  const bool known = submission.stamps.size() == sent.size() + ignored.size();
  std::size_t n = 0;
  const auto each = [&](const std::vector<format::MessageId>& ids, MessagePlace place) {
    for (format::MessageId id : ids) {
      use(id, known ? std::optional(submission.stamps[n]) : std::nullopt, place);
      ++n;
    }
  };
  each(sent, MessagePlace::inText);
  each(ignored, MessagePlace::onlyCounted);
}

}  // namespace smsd::queue
