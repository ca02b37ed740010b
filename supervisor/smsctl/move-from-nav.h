// SPDX-License-Identifier: GPL-3.0-or-later
// `smsctl config import-nav` without --output: the move from NAV's smsd to this one, and the way back.
//
// Owns the look at the host and the execution of the steps; nav-move/ has the steps. Shows them, and executes
// them only with --apply, as root. Stops at the first step that fails: the error lists the steps that are
// done and those that are not. Every step may be repeated.
#pragma once

#include <string>

#include "supervisor/smsctl/commands.h"

namespace smsd::smsctl {

struct MoveArguments {
  std::string navFolder, config;
  std::string nav;   // path of the program `nav`; empty: it is looked for
  std::string test;  // number for a test SMS; empty: none
  enum class Direction { toSmsd, backToNav } direction = Direction::toSmsd;
  enum class Mode { show, apply } mode = Mode::show;
};

/// Returns 0 if the steps were shown and all of them are possible, or if all of them are done. Throws a
/// CommandError otherwise, also if it only shows them.
int moveFromNav(const MoveArguments& arguments, Form form);

}  // namespace smsd::smsctl
