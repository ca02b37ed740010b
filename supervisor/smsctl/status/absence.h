// SPDX-License-Identifier: GPL-3.0-or-later
// A status without an answer of the daemon: it does not run, hangs, or cannot be found, and why.
//
// Owns the words at the top of the screen and the exit status for each of these. Called by `smsctl status`.
// Changes nothing, and writes to no queue. A daemon whose socket is not known is looked for by the lock in
// its state directory.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "supervisor/config/config.h"
#include "supervisor/smsctl/site.h"
#include "supervisor/smsctl/status/status-finding.h"

namespace smsd::smsctl {

struct Absence {
  enum class Runs { no, yes, notKnown } runs = Runs::notKnown;
  std::string head = {};
  std::vector<StatusFinding> findings = {};
  int status = 0;  // exit status
  int pid = 0;     // of a daemon that runs all the same; 0: not known

  /// Nothing is known but the words.
  bool isInDoubt() const { return runs == Runs::notKnown && findings.empty(); }
};

/// No program listens at the socket, or `read` names none. `file`: the configuration.
Absence whenNobodyListens(const std::string& file, const config::ConfigRead& read);
/// A connection was made to the process `pid` (0: not known), which does not answer.
Absence whenItHangs(const std::string& file, const config::ConfigRead& read, int pid);
/// Another reason, in words.
Absence whenInDoubt(const std::string& words, int status);

/// Returns the process that holds the lock on a file, from the text of /proc/locks; none: none does, or it is
/// not shown. Pure; public for its test.
std::optional<int> holderOf(const std::string& locks, dev_t device, ino_t inode);
/// Returns the state in the text of /proc/PID/stat, for example 'T' for stopped; 0: there is none. Pure.
char processState(const std::string& stat);

}  // namespace smsd::smsctl
