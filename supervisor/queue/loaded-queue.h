// SPDX-License-Identifier: GPL-3.0-or-later
// Loads a queue of an administrator's own from a shared object (queue-object.h).
//
// Owns the rules for such a file: its name, its owner, its version. Called by the room config, for smsd and
// smsctl. A loaded object stays loaded until the process ends, because its exceptions and its code may be in
// use. Fails by QueueError::notInstalled, which ends smsd at its start with 78; the text names the file and
// what to do.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "supervisor/queue/installation.h"
#include "supervisor/queue/queue.h"

namespace smsd::queue {

/// A queue in the shared object `folder`/smsd-queue-`name`.so, and its connection text.
struct LoadedQueue {
  std::filesystem::path folder;
  std::string name;
  std::string connection = {};
};

/// Runs the code of the object. Throws if it is missing, could be changed by another user than root and the
/// one that runs this program, or was built for another smsd.
void checkLoaded(const LoadedQueue& which);
std::unique_ptr<Queue> openLoaded(const LoadedQueue& which);
/// Throws `notInstalled` as well if the object has nothing to install.
InstallReport installLoaded(const LoadedQueue& which, const InstallOptions& options);

}  // namespace smsd::queue
