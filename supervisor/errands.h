// What smsd does once, instead of running: NAV's --cancel, --test and --TEST.
//
// Called by main. Each goes through the daemon where one runs, so that what it has under way is respected
// (wart C46), and works by itself where none does. Prints what it did; returns the exit status. What is wrong
// is a StartUpError.
#pragma once

#include "supervisor/arguments.h"
#include "supervisor/config.h"

namespace smsd {

/// The configuration with the flags in it; a StartUpError says all that is wrong with it.
Config usableConfig(const Arguments& arguments, Reach reach);

int cancelAll(const Arguments& arguments);
/// Needs no queue. 69 when no dispatcher took it.
int sendTest(const Arguments& arguments);
int enqueueTest(const Arguments& arguments);

}  // namespace smsd
