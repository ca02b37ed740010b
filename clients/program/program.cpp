// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/program/program.h"

#include <fmt/format.h>
#include <sysexits.h>

#include "common/fault.h"
#include "common/journal/journal.h"
#include "common/sandbox/output.h"
#include "common/systemd/listener.h"

namespace smsd::program {

int takeListener(const std::string& name, const std::string& otherwise) {
  if (!systemd::wasHandedSockets())
    throw CannotRun(EX_USAGE,
                    fmt::format("nothing to serve: expected a socket to listen on from systemd (`systemctl "
                                "enable --now {}.socket`){}",
                                name, otherwise));
  try {
    return systemd::takeListener({name, name + ".socket"}, systemd::Listens::anywhere);
  } catch (const systemd::ListenerError& e) {
    throw CannotRun(EX_CONFIG, e.what());
  }
}

void lockIn(sandbox::Policy policy, ClientLock lock) {
  try {
    sandbox::separateOutput();
    sandbox::lockIn(policy);
    sandbox::sealThreads(policy);
  } catch (const sandbox::LockFailed& e) {
    if (lock == ClientLock::required)
      throw CannotRun(EX_CONFIG, fmt::format("will not serve unlocked: {}", faultOf(e)));
    journal::Entry(journal::Level::warning, fmt::format("serves unlocked: {}", faultOf(e))).write();
  }
}

}  // namespace smsd::program
