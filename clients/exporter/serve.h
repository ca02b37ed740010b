// SPDX-License-Identifier: GPL-3.0-or-later
// The two ways to run: serve scrapes until told to end, or write one text file.
#pragma once

#include "clients/exporter/arguments.h"

namespace smsd::exporter {

/// Serves at the socket of systemd. Returns the exit status. Throws program::CannotRun.
int serve(const Options& options);

/// Writes the metrics to the text file; if smsd does not answer, the file has smsd_up 0 alone. Returns the
/// exit status. Throws program::CannotRun.
int writeTextFile(const Options& options);

}  // namespace smsd::exporter
