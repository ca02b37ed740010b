// smsd's command line: NAV's flags, and our own.
//
// Owns their names, their help and which go together. Called by main. Reads nothing but its arguments. A
// wrong one is said in one line that names the flag, with exit status 64.
#pragma once

#include <optional>
#include <string>

#include "supervisor/overrides.h"

namespace smsd {

/// What smsd is to do: live, or one errand.
enum class Errand { none, check, cancel, test, enqueue };

struct Arguments {
  std::string config = "/etc/smsd/smsd.yaml";
  Errand errand = Errand::none;
  Overrides overrides;
  std::string phone;  // of test and enqueue
  std::string text = "This is a test message from smsd.";
  int account = 0;  // of enqueue
};

struct Parsed {
  Arguments arguments;
  std::optional<int> exitStatus;  // all was said already: help, version, or what is wrong
};

Parsed parseArguments(int argc, char** argv);

}  // namespace smsd
