// SPDX-License-Identifier: GPL-3.0-or-later
// The running supervisor: connects queue thread, road, keepers and control socket, and runs until it has to
// stop.
//
// Called by main after all checks. Returns the exit status.
#pragma once

#include <kj/async-io.h>

#include <string>
#include <vector>

#include "supervisor/config/config.h"
#include "supervisor/keeper/link.h"

namespace smsd {

/// `name`: see Instance. `told` resolves when the daemon has to end, perhaps before it has started. `read`
/// reads the configuration again for a reload; SIGHUP must be captured before. Throws StartUpError if the
/// queue or the file of pauses cannot be used, and control::CannotListen if the control socket cannot be
/// bound.
int runDaemon(kj::AsyncIoContext& io, kj::ForkedPromise<void>& told, const config::Config& config,
              const std::string& name, std::vector<keeper::SpawnPlan> plans,
              kj::Function<config::ConfigRead()> read);

}  // namespace smsd
