// SPDX-License-Identifier: GPL-3.0-or-later
// smsd-worker-soap: the program around SoapDispatcher.
#include "workers/soap/soap.h"

int main(int argc, char** argv) {
  smsd::soap::SoapDispatcher dispatcher;
  return smsd::kit::workerMain(argc, argv, dispatcher);
}
