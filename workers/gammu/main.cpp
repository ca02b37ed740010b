// SPDX-License-Identifier: GPL-3.0-or-later
// smsd-worker-gammu: the program around GammuDispatcher.
#include "workers/gammu/gammu.h"

int main(int argc, char** argv) {
  smsd::gammu::GammuDispatcher dispatcher;
  return smsd::kit::workerMain(argc, argv, dispatcher);
}
