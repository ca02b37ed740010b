// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/debug/debug.h"

int main(int argc, char** argv) {
  smsd::debug::DebugDispatcher dispatcher;
  return smsd::kit::workerMain(argc, argv, dispatcher);
}
