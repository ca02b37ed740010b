// SPDX-License-Identifier: GPL-3.0-or-later
// The two ways to run: serve scrapes until told to end, or write one text file.
#pragma once

#include <stdexcept>

#include "clients/exporter/arguments.h"

namespace smsd::exporter {

/// A fault that the administrator has to repair, in words, with the exit status for it.
class CannotRun : public std::runtime_error {
 public:
  CannotRun(int status, const std::string& what) : std::runtime_error(what), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

/// Serves at the socket of systemd. Returns the exit status. Throws CannotRun.
int serve(const Options& options);

/// Writes the metrics to the text file; if smsd does not answer, the file has smsd_up 0 alone. Returns the
/// exit status. Throws CannotRun.
int writeTextFile(const Options& options);

}  // namespace smsd::exporter
