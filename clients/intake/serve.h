// SPDX-License-Identifier: GPL-3.0-or-later
// Serves requests at the socket of systemd until told to end.
#pragma once

#include <stdexcept>
#include <string>

#include "clients/intake/arguments.h"
#include "clients/intake/settings.h"

namespace smsd::webintake {

/// A fault that the administrator has to repair, in words, with the exit status for it.
class IntakeFailed : public std::runtime_error {
 public:
  IntakeFailed(int status, const std::string& what) : std::runtime_error(what), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

/// Returns the exit status. Throws IntakeFailed.
int serve(const IntakeOptions& options, const IntakeSettings& settings);

}  // namespace smsd::webintake
