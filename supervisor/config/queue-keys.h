// SPDX-License-Identifier: GPL-3.0-or-later
// The keys of `queue`: where the queue is, and how it is used. Called by config.cpp only. Pure: the paths are
// made absolute there, and no file is opened.
#pragma once

#include "common/config/keys.h"
#include "supervisor/config/config.h"

namespace smsd::config {

void declareQueueKeys(Keys& keys, Config& config);

}  // namespace smsd::config
