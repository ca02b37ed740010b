// SPDX-License-Identifier: GPL-3.0-or-later
// Serves requests at the socket of systemd until told to end.
#pragma once

#include "clients/intake/arguments.h"
#include "clients/intake/settings.h"

namespace smsd::webintake {

/// Returns the exit status. Throws program::CannotRun.
int serve(const IntakeOptions& options, const IntakeSettings& settings);

}  // namespace smsd::webintake
