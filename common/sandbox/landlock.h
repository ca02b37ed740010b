// SPDX-License-Identifier: GPL-3.0-or-later
// Landlock: restricts which files, devices and TCP ports a process may still reach, and which other processes
// it may signal or connect to.
//
// Owns the ruleset that implements a Policy. Called by lockIn() and ProgramLock alone. Landlock binds the
// calling thread and the threads that it starts later, so no other thread may run yet. Throws LockFailed.
#pragma once

#include "common/sandbox/sandbox.h"

namespace smsd::sandbox {

/// A ruleset that is not yet in force. It may be put in force by several processes: each of them, with the
/// processes that it starts later, is then apart from all others.
class Ruleset {
 public:
  explicit Ruleset(const Policy& policy);
  /// Restricts signals and nothing else, if the kernel can; otherwise it is empty.
  struct OfSignals {};
  explicit Ruleset(OfSignals);
  ~Ruleset();
  Ruleset(const Ruleset&) = delete;
  Ruleset& operator=(const Ruleset&) = delete;

  /// The ABI in use: the kernel's, or the latest that this code knows if that is lower.
  int abi() const { return abi_; }
  /// Whether a process can signal only those that started with the ruleset in force, or after it.
  bool scopesSignals() const;
  /// Restricts this process. Returns 0, or the number of the error. Call after no_new_privs is set. Needs no
  /// memory and no lock, so that it may be called between fork and exec.
  int putInForce() const noexcept;

 private:
  int abi_;
  int fd_ = -1;
};

/// Puts the ruleset of `policy` in force, and returns its ABI.
int restrictReach(const Policy& policy);

}  // namespace smsd::sandbox
