// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/sandbox/programs.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/sandbox/landlock.h"
#include "common/sandbox/limits.h"
#include "common/sandbox/seccomp.h"

namespace smsd::sandbox {
namespace {

Policy ofStarter(Policy policy, const std::filesystem::path& removable) {
  policy.readable.push_back("/proc");  // the list of its own children
  if (!removable.empty()) policy.removable.push_back(removable);
  return policy;
}

}  // namespace

ProgramLock::ProgramLock(const Policy& programs, const std::filesystem::path& removable)
    : policy_(programs),
      starters_(std::make_unique<Ruleset>(ofStarter(programs, removable))),
      programs_(std::make_unique<Ruleset>(programs)),
      signals_(std::make_unique<Ruleset>(Ruleset::OfSignals())) {
  if (!programs_->scopesSignals()) noSignals_ = filterOfSignals();
}

ProgramLock::~ProgramLock() = default;

void ProgramLock::lockStarter() const {
  requireOneThread();
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("no_new_privs");
  limitResources(policy_);
  errno = starters_->putInForce();
  if (errno != 0) fail("landlock: cannot be put in force");
  setPrivate();
  restrictSystemCallsOfPrograms(policy_);
}

int ProgramLock::lockProgram() const noexcept { return programs_->putInForce(); }

int ProgramLock::refuseSignals() const noexcept {
  if (noSignals_.empty()) return signals_->putInForce();
  sock_fprog program{};
  program.len = static_cast<unsigned short>(noSignals_.size());
  static_assert(sizeof(sock_filter) == sizeof noSignals_[0]);
  // The kernel only reads the instructions.
  program.filter = reinterpret_cast<sock_filter*>(const_cast<std::uint64_t*>(noSignals_.data()));
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0 ? 0 : errno;
}

bool ProgramLock::scopesSignals() const { return programs_->scopesSignals(); }

}  // namespace smsd::sandbox
