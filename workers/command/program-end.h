// SPDX-License-Identifier: GPL-3.0-or-later
// How a program ended, and the outcome that this means for the one SMS that it had. Pure.
//
// Owns the table of exit statuses. Called by the two modes.
#pragma once

#include <string>

#include "workers/kit/dispatcher.h"

namespace smsd::command {

struct ProgramEnd {
  enum class How {
    exited,       // by itself, `value` is the exit status
    signalled,    // by the signal `value`
    notExecuted,  // the file cannot be executed, `value` is the number of the error
    notStarted,   // there was no process for it, `value` is the number of the error
    lost,         // by an unknown event
  };
  How how = How::lost;
  int value = 0;
};

/// "the program ended with status 1".
std::string describe(const ProgramEnd& end);

/// `firstLine`: of the program's output; the reference if the SMS was accepted, else a reason.
kit::Outcome outcomeOf(const ProgramEnd& end, const std::string& firstLine);

}  // namespace smsd::command
