// SPDX-License-Identifier: GPL-3.0-or-later
// The events of the heartbeats that smsd expects of other programs.
#include <fmt/format.h>

#include "common/journal/journal.h"
#include "supervisor/events/events.h"

namespace smsd::events {

using journal::Entry;
using journal::Level;

void EventLog::heartbeatMissing(const std::string& name, const std::string& how,
                                const std::string& alertTo) const {
  Entry(Level::error,
        fmt::format("the heartbeat {} {}: an alert to {} is in the queue", name, how, shown(alertTo)),
        "heartbeat-missing", "366d7c57efeb4035a3c5beeba9923923")
      .field("SMSD_HEARTBEAT", name)
      .write();
}

void EventLog::heartbeatBack(const std::string& name, std::optional<Milliseconds> missingFor) const {
  const std::string after = missingFor ? " after " + config::roughly(*missingFor) : "";
  Entry(Level::notice, fmt::format("the heartbeat {} is back{}", name, after), "heartbeat-back",
        "efa1b56366994631822e89e796c63b29")
      .field("SMSD_HEARTBEAT", name)
      .write();
}

void EventLog::heartbeatsUnwatched(const std::string& why) const {
  if (why.empty())
    Entry(Level::notice, "the heartbeats are watched again", "heartbeats-watched",
          "9bc5bc662afc4ecb804364c121c57b97")
        .write();
  else
    Entry(Level::warning,
          fmt::format("no heartbeat is watched, and no alert is sent when one is missing: {}", why),
          "heartbeats-unwatched", "9d9da8b97fa84d72b2539c3ce3038659")
        .field("SMSD_REASON", why)
        .write();
}

}  // namespace smsd::events
