// SPDX-License-Identifier: GPL-3.0-or-later
// The events of the alerts that programs submit.
#include <fmt/format.h>

#include "common/journal/journal.h"
#include "supervisor/events/events.h"

namespace smsd::events {

using journal::Entry;
using journal::Level;

void EventLog::intakeRefused(std::optional<unsigned> uid, const std::string& why, unsigned more) const {
  const std::string who = uid ? std::to_string(*uid) : "unknown";
  const std::string before =
      more == 0 ? "" : fmt::format(" (and {} calls with refused alerts without an entry before it)", more);
  Entry(Level::notice, fmt::format("intake.sock: refused an alert of uid {}: {}{}", who, why, before),
        "intake-refused", "7691642806224a1083605978cc8c78e6")
      .field("SMSD_UID", who)
      .field("SMSD_REASON", why)
      .write();
}

void EventLog::intakeUserUnknown(const std::string& user) const {
  Entry(
      Level::warning,
      fmt::format("intake.callers: there is no user {} on this host: its programs may submit nothing", user),
      "intake-user-unknown", "2ca4b50947d24fb296164e11fc86ed65")
      .field("SMSD_USER", user)
      .write();
}

}  // namespace smsd::events
