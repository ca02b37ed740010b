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
/// `told` resolves when it has to end, perhaps before it has started. `read` reads the configuration again,
/// for a reload; SIGHUP was captured.
int runDaemon(kj::AsyncIoContext& io, kj::ForkedPromise<void>& told, const Config& config,
              const std::string& name, std::vector<keeper::SpawnPlan> plans, kj::Function<ConfigRead()> read);

}  // namespace smsd
