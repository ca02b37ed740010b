// SPDX-License-Identifier: GPL-3.0-or-later
// The installed parts of a queue, the supervisors that use it, and `smsctl db install`.
//
// Called by smsctl. The operations throw QueueError (queue.h).
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace smsd::queue {

/// Versions of the queue's own tables. While programs are upgraded one after the other, these differ.
struct SchemaVersions {
  int installed = 0;
  int known = 0;  // the newest that this program knows
  int used = 0;   // what this supervisor may rely on: every live supervisor knows it, and it is installed

  /// An upgrade has begun and is not complete.
  bool mixed() const { return installed != known || used != known; }
  bool operator==(const SchemaVersions&) const = default;
};

/// A supervisor whose lease has not run out.
struct LiveSupervisor {
  std::string name;
  std::string host;
  int pid = 0;
  std::string program;  // the version of smsd; empty: a version that does not record it
  int knows = 0;        // the newest version of the schema that it knows
};

/// The condition of an installed queue, for `smsctl doctor`. A member that is empty or none says nothing: the
/// backend has no such thing, or does not look at it.
struct QueueCondition {
  std::string missingPrivileges = {};                   // of the caller's role, in words
  std::optional<bool> indexed = {};                     // a claim need not read the whole table
  std::optional<bool> announcesInserts = {};            // an insert of another program rings the bell
  std::string timeZone = {};                            // in which the queue reads the times of messages
  std::optional<std::chrono::milliseconds> ahead = {};  // the queue's clock, of this host's
  std::string otherSettler = {};                        // as Queue::otherSettler()
};

/// The installed schema and its live supervisors.
struct Installation {
  SchemaVersions schema;
  std::vector<LiveSupervisor> supervisors;
  QueueCondition condition = {};
  bool paces = false;  // as Queue::paces(), for an enlisted supervisor
};

/// Options of `smsctl db install` beyond the schema smsd.
struct InstallOptions {
  enum class Extra { leave, make };
  Extra indexes = Extra::leave;  // the two partial indexes on smsq
  Extra notify = Extra::leave;   // the trigger on smsq that wakes smsd at once
  Extra tables = Extra::leave;   // account and smsq themselves, for a queue without NAV
  Extra grants = Extra::leave;   // run the GRANTs for `role`, and create the role if there is none
  std::string connectAs = {};    // a role instead of the connection's; empty: that one
  std::string role;              // the role for the GRANTs; empty: a placeholder, which is only printed
  /// Called after each try that did not get its locks, unless it was the last.
  std::function<void(int tries, int most)> onRepeat = {};
};

struct InstallReport {
  std::vector<std::string> done;    // the objects that were created, in words; empty: nothing was missing
  std::string granted = {};         // the role that has the privileges now; empty: no GRANT was run
  std::vector<std::string> advice;  // SQL that an administrator may want to run, with comments in between
};

}  // namespace smsd::queue
