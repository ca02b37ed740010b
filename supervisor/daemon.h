// The running supervisor: wires queue thread, road, keepers and control socket together, and lives until it
// is told to stop.
//
// Called by main once everything was checked. Returns the exit status.
#pragma once

#include <kj/async-io.h>

#include <string>
#include <vector>

#include "supervisor/config.h"
#include "supervisor/keeper/link.h"

namespace smsd {

/// `name`: see Instance. Throws StartUpError when the queue cannot be used or the control socket cannot be
/// bound.
/// `read` reads the configuration again, for a reload; SIGHUP, SIGTERM and SIGINT were captured.
int runDaemon(kj::AsyncIoContext& io, const Config& config, const std::string& name,
              std::vector<keeper::SpawnPlan> plans, kj::Function<ConfigRead()> read);

}  // namespace smsd
