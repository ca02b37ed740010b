// SPDX-License-Identifier: GPL-3.0-or-later
// Which programs may use which version of the schema smsd. Pure.
//
// Programs are upgraded one after the other, and the schema by its owner at another time. So a program works
// with its own version of the schema and with the version before it. A newer schema names the oldest version
// that a program has to know. Called at each enlistment, and by the installation.
#pragma once

#include <string>
#include <vector>

#include "supervisor/queue/queue.h"

namespace smsd::queue::schema {

/// The newest version that this program knows, and the one that it creates.
inline constexpr int version = 7;
/// The oldest version that this program works with.
inline constexpr int oldestUsable = 5;
/// The oldest version that a program has to know to work with `version`: smsd.installation.oldest_version.
inline constexpr int oldestProgram = 4;
/// The last version that does not record what each supervisor knows: they all know exactly the installed one.
inline constexpr int withoutKnowledge = 4;
/// The last version that keeps no heartbeats.
inline constexpr int withoutHeartbeats = 5;
/// The last version that takes no alerts of programs.
inline constexpr int withoutAlerts = 6;
/// The last version that does not keep when an SMS left to a recipient.
inline constexpr int withoutPacing = 6;

}  // namespace smsd::queue::schema

namespace smsd::queue::postgresql {

/// As smsd.installation has it.
struct InstalledSchema {
  int version = 0;
  int oldestProgram = 0;       // the oldest version that a program has to know
  std::string keyPrefix = {};  // of the idempotency keys
};

/// The versions that a program works with.
struct KnownSchemas {
  int oldest = 0;
  int newest = 0;
};

/// Returns why the program cannot use the schema, and what to do; empty: it can.
std::string unusable(InstalledSchema installed, KnownSchemas program);

/// Returns which of `live` could not work with the schema `next`, in words; empty: all could.
std::string leftBehind(const std::vector<LiveSupervisor>& live, InstalledSchema next);

}  // namespace smsd::queue::postgresql
