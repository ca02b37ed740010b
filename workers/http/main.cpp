// SPDX-License-Identifier: GPL-3.0-or-later
// smsd-worker-http: the program around HttpDispatcher.
#include "workers/http/http.h"

int main(int argc, char** argv) {
  smsd::http::HttpDispatcher dispatcher;
  return smsd::kit::workerMain(argc, argv, dispatcher);
}
