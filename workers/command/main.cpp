// SPDX-License-Identifier: GPL-3.0-or-later
// smsd-worker-command: the program around CommandDispatcher.
#include "workers/command/command.h"

int main(int argc, char** argv) {
  smsd::command::CommandDispatcher dispatcher;
  return smsd::kit::workerMain(argc, argv, dispatcher);
}
