// SPDX-License-Identifier: GPL-3.0-or-later
// Ends a program after a CLI11 parse error, or after it has printed its help or version.
//
// Called by the three programs with arguments. CLI11 itself would write to std::cout and std::cerr, and it
// quotes the argument; here its texts go through output.h like all others.
#pragma once

#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <sstream>

#include "common/io/output.h"

namespace smsd::io {

/// Prints the help, version or error. Returns the exit status, EX_OK or EX_USAGE.
inline int exitStatusOf(const CLI::App& app, const CLI::ParseError& error) {
  std::ostringstream out, err;
  const int status = app.exit(error, out, err);
  print(out.str());
  complain(err.str());
  return status == 0 ? EX_OK : EX_USAGE;
}

}  // namespace smsd::io
