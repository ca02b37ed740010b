// SPDX-License-Identifier: GPL-3.0-or-later
// The events of canaries, the test SMS that smsd sends by itself.
#include <fmt/format.h>

#include "common/journal/journal.h"
#include "supervisor/events/events.h"

namespace smsd::events {

using journal::Entry;
using journal::Level;

void EventLog::canaryAccepted(const std::string& dispatcher, const std::string& reference,
                              Milliseconds took) const {
  Entry(Level::info,
        fmt::format("{}: accepted its canary in {} ms{}", dispatcher, took.count(),
                    reference.empty() ? "" : ", reference " + reference),
        "canary-accepted", "5e4be4ccf28f4b9aa03a6883e6a58f3a")
      .field("SMSD_DISPATCHER", dispatcher)
      .field("SMSD_OUTCOME", "accepted")
      .field("SMSD_REFERENCE", reference)
      .field("SMSD_LATENCY_MS", std::to_string(took.count()))
      .write();
}

void EventLog::canaryFailed(const std::string& dispatcher, const std::string& result, const std::string& why,
                            Milliseconds took) const {
  Entry(Level::error,
        fmt::format("{}: its canary was {}, so an alert would not go this way now: {}", dispatcher, result,
                    why),
        "canary-failed", "ec472c1d032e48f39276efef8c002c50")
      .field("SMSD_DISPATCHER", dispatcher)
      .field("SMSD_OUTCOME", result)
      .field("SMSD_REASON", why)
      .field("SMSD_LATENCY_MS", std::to_string(took.count()))
      .write();
}

void EventLog::canariesUsedUp(int most) const {
  Entry(Level::warning,
        fmt::format("today's {} canaries are used up (canary.max_per_day): no further one is sent before "
                    "midnight",
                    most),
        "canaries-used-up", "b4d4c0385d3d48348bcf3bad9921caab")
      .write();
}

void EventLog::canariesNotKept(const std::string& why) const {
  Entry(Level::error,
        fmt::format("the records of the canaries cannot be kept, so no canary is sent: {}", why),
        "canaries-not-kept", "c2c53e4e0c0f428c8d03c50ac362e47b")
      .field("SMSD_REASON", why)
      .write();
}

}  // namespace smsd::events
