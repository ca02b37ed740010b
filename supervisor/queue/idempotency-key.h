// SPDX-License-Identifier: GPL-3.0-or-later
// The idempotency key of a submission: a gateway that knows it already drops the SMS as a repetition.
//
// Called by all backends, for a claim, a take-over and `smsctl explain`. Pure.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/queue/queue.h"

namespace smsd::queue {

/// Returns `queue`-`id`-`stamp`. `queue` are 12 hexadecimal digits of the queue's uuid.
///
/// The same for all attempts of a submission, because `stamps` are stored with it. The first stamp is part of
/// the key because ids can repeat: a database restored from a backup counts from the backup's last id again,
/// and a new SMS with an old key would be dropped by the gateway. A submission stored by an older version has
/// no stamps, and keeps the key that it had.
inline std::string idempotencyKey(std::string_view queue, SubmissionId id,
                                  const std::vector<std::int64_t>& stamps) {
  if (stamps.empty()) return fmt::format("{}-{}", queue, id);
  return fmt::format("{}-{}-{:08x}", queue, id, static_cast<std::uint32_t>(stamps.front()));
}

}  // namespace smsd::queue
