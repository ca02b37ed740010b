// How a program ends whose arguments CLI11 did not take, or that was asked for its help or version.
//
// Called by the three programs with arguments. CLI11 writes to std::cout and std::cerr by itself, and quotes
// the argument; here its texts take the way of every other text (output.h).
#pragma once

#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <sstream>

#include "common/io/output.h"

namespace smsd::io {

/// Prints help, version or error. The exit status: EX_OK or EX_USAGE.
inline int exitStatusOf(const CLI::App& app, const CLI::ParseError& error) {
  std::ostringstream out, err;
  const int status = app.exit(error, out, err);
  print(out.str());
  complain(err.str());
  return status == 0 ? EX_OK : EX_USAGE;
}

}  // namespace smsd::io
