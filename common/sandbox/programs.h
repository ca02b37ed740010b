// SPDX-License-Identifier: GPL-3.0-or-later
// The lock of a process that starts programs, and of the programs. The lock of a worker (sandbox.h) lets it
// start none, so a worker forks such a process before it locks itself in.
//
// Owns two Landlock rulesets, made while every path can still be opened. The process that starts programs
// enters the first, with a seccomp filter that programs inherit: they may start programs and map the code of
// files, but neither write to their own code, nor open a Unix socket, nor inspect another process. Each
// program enters the second ruleset before it is executed. From then on it may read and execute only the
// paths in its policy, and from Landlock ABI 6 on it signals only the processes that it started. Before, it
// signals none but those of its own process group. The constructor and lockStarter() throw LockFailed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "common/sandbox/sandbox.h"

namespace smsd::sandbox {

class Ruleset;

class ProgramLock {
 public:
  /// `removable`: a folder that the process that starts programs removes at its end; may be empty.
  ProgramLock(const Policy& programs, const std::filesystem::path& removable);
  ~ProgramLock();
  ProgramLock(const ProgramLock&) = delete;
  ProgramLock& operator=(const ProgramLock&) = delete;

  /// Locks the process that starts programs. No other thread may run.
  void lockStarter() const;

  // These return 0 or the number of the error, and may be called between fork and exec.

  /// Locks this process, and the processes that it starts later, in a domain of their own.
  int lockProgram() const noexcept;
  /// To be called by the program's own process, shortly before its execution and before this object's
  /// descriptors are closed: the program cannot signal the process that has called lockProgram().
  int refuseSignals() const noexcept;

  /// Whether kill(-1) of a process behind lockProgram() reaches all processes of its domain, and no other.
  bool scopesSignals() const;

 private:
  Policy policy_;
  std::unique_ptr<Ruleset> starters_;
  std::unique_ptr<Ruleset> programs_;
  std::unique_ptr<Ruleset> signals_;
  std::vector<std::uint64_t> noSignals_;  // a BPF program; empty if Landlock restricts signals
};

}  // namespace smsd::sandbox
