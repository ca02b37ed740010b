// SPDX-License-Identifier: GPL-3.0-or-later
// The process that runs one program, and knows all processes that the program has started: the minder.
//
// A process whose parent has ended becomes a child of its minder (PR_SET_CHILD_SUBREAPER), in whatever
// session or process group it is. So the minder can end them all, and knows when none is left. From Landlock
// ABI 6 on one call of kill(-1) reaches all of them, and none can escape by starting others. With an older
// kernel the minder kills its children until there are none.
// Called by the starter, in a child of it. Does not return: it reports the end of the program and exits.
#pragma once

#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

#include "common/sandbox/programs.h"
#include "workers/command/starter.h"

namespace smsd::command {

/// Ends the program of a minder. Starter and minders block this signal and SIGCHLD, and ignore others that
/// a terminal or systemd sends to all processes of a worker.
constexpr int killOrder = SIGUSR1;

/// The files of the program, and the socket to the worker.
struct MinderFiles {
  int streams[3] = {-1, -1, -1};  // stdin, stdout and stderr of the program
  int socket = -1;
};

/// `starter`: the process id of the starter. `variables`: added to the environment of the spec.
[[noreturn]] void mind(const ProgramSpec& spec, const sandbox::ProgramLock& lock, pid_t starter,
                       std::uint64_t id, const MinderFiles& files, const std::vector<std::string>& variables);

/// The children of this process, as the kernel lists them.
class OwnChildren {
 public:
  /// Opens the list, which a locked process cannot do later.
  OwnChildren();
  ~OwnChildren();
  OwnChildren(const OwnChildren&) = delete;
  OwnChildren& operator=(const OwnChildren&) = delete;
  std::vector<pid_t> now() const;

 private:
  int fd_;
};

}  // namespace smsd::command
