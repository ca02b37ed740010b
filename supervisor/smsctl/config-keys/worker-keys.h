// SPDX-License-Identifier: GPL-3.0-or-later
// The keys of dispatchers' files, from the worker programs themselves (`--explain --json`).
//
// Owns which kinds there are on this host, and the bounds on a program that is asked. Called by `config
// explain`, `config schema` and completion. Starts the programs, all at once, as the user who runs smsctl.
// Their output is checked, because a program of the administrator's own may write anything. Fails by a
// KeyFile with a problem.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "supervisor/config/config.h"
#include "supervisor/smsctl/config-keys/key-files.h"

namespace smsd::smsctl {

/// Returns a dispatcher of each kind that is built in, is in smsd.yaml, or has a program in
/// workers_directory. A smsd.yaml that cannot be read, or that has errors, counts as far as it was read.
std::vector<config::DispatcherConfig> dispatchersOfAllKinds(const config::Config& config);

/// Returns the files of these dispatchers with their keys, in the same order.
std::vector<KeyFile> askWorkers(const config::Config& config,
                                const std::vector<config::DispatcherConfig>& dispatchers);

}  // namespace smsd::smsctl
